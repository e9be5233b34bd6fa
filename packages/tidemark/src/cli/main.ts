/** The process: real ports, signals, exit code. The first SIGINT or SIGTERM stops a run cleanly, the second at once. */
import { tmpdir } from 'node:os'
import { systemClock, systemIds, systemProcesses } from '../run/system.ts'
import { runCli } from './run-cli.ts'

const stop = new AbortController()
let signals = 0
for (const name of ['SIGINT', 'SIGTERM'] as const) {
  process.on(name, () => {
    signals += 1
    if (signals > 1) process.exit(name === 'SIGINT' ? 130 : 143)
    stop.abort(new DOMException(`stopped by ${name}`, 'AbortError'))
  })
}

process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0)
  throw error
})

await runCli(process.argv.slice(2), {
  stdout: process.stdout,
  stderr: process.stderr,
  env: process.env,
  cwd: process.cwd(),
  temporary: tmpdir(),
  clock: systemClock,
  ids: systemIds,
  processes: systemProcesses,
  startTicker: (everyMs, tick) => {
    const timer = setInterval(tick, everyMs)
    return () => clearInterval(timer)
  },
  signal: stop.signal,
  exit: code => {
    process.exitCode = code
  },
})
