/**
 * The process: real ports, signals, exit code. The first SIGINT, SIGTERM or SIGHUP stops a run in order, the second at once;
 * either way the exit code is the one shells expect, unless the work was done before the signal was noticed.
 */
import { tmpdir } from 'node:os'
import { isatty } from 'node:tty'
import { renderProblem } from '../errors/render.ts'
import { OUTPUT_NOT_WRITTEN } from '../errors/run.ts'
import { systemClock, systemIds, systemProcesses } from '../run/system.ts'
import { terminalConfirm } from './confirm.ts'
import { runCli } from './run-cli.ts'

const stop = new AbortController()
let stoppedWith: number | undefined
for (const [name, code] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
  ['SIGHUP', 129],
] as const) {
  process.on(name, () => {
    if (stoppedWith !== undefined) process.exit(code)
    stoppedWith = code
    stop.abort(new DOMException(`stopped by ${name}`, 'AbortError'))
  })
}

// Who reads along may leave: a run goes on without. Output that could not be written for another reason is no success.
let lost: Error | undefined
process.stderr.on('error', () => undefined)
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') lost ??= error
})
process.on('exit', () => {
  if (lost === undefined) return
  process.stderr.write(`${renderProblem(OUTPUT_NOT_WRITTEN({ reason: lost.message }), { colour: false })}\n`)
  if ((process.exitCode ?? 0) === 0) process.exitCode = 3
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
  // Input that is no terminal is not even opened.
  confirm: isatty(0) ? terminalConfirm(process.stdin, process.stderr) : undefined,
  exit: code => {
    process.exitCode = code === 0 ? 0 : (stoppedWith ?? code)
  },
})
