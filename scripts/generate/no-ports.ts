/** Ports for a command line that is only looked at: whatever a command would do with them fails. */
import type { CliPorts } from '../../packages/tidemark/src/cli/ports.ts'

function unused(): never {
  throw new Error('the command line is described here, not run')
}

export const noPorts: CliPorts = {
  stdout: { write: unused },
  stderr: { write: unused },
  env: {},
  cwd: '.',
  temporary: '.',
  clock: { now: unused, monotonic: unused, sleep: unused },
  ids: { uuid: unused, runId: unused },
  processes: new Proxy({} as CliPorts['processes'], { get: unused }),
  startTicker: unused,
  signal: AbortSignal.abort(),
  exit: unused,
}
