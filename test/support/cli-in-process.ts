/** The command line in this process: the same code as the program's, with streams that are kept instead of printed. */
import { tmpdir } from 'node:os'
import type { CliPorts } from '../../packages/tidemark/src/cli/ports.ts'
import { runCli } from '../../packages/tidemark/src/cli/run-cli.ts'
import { systemClock, systemIds, systemProcesses } from '../../packages/tidemark/src/run/system.ts'
import type { Ended } from '../packaging/programs.ts'

interface InProcess extends Partial<Pick<CliPorts, 'clock' | 'processes' | 'confirm'>> {
  cwd: string
  env: Readonly<Record<string, string | undefined>>
}

/** Run a command to its end in a folder, with nothing in its environment but what is given. */
export async function runInProcess(
  args: readonly string[],
  { cwd, env, clock = systemClock, processes = systemProcesses, confirm }: InProcess,
): Promise<Ended> {
  const output = { stdout: '', stderr: '' }
  let exit = 0
  await runCli(args, {
    stdout: { write: text => void (output.stdout += text) },
    stderr: { write: text => void (output.stderr += text) },
    env,
    cwd,
    temporary: tmpdir(),
    clock,
    ids: systemIds,
    processes,
    startTicker: () => () => undefined,
    signal: new AbortController().signal,
    confirm,
    exit: code => {
      exit = code
    },
  })
  return { exit, signal: null, ...output }
}
