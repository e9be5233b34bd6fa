/** What one run of a program takes. */
import { spawnSync } from 'node:child_process'
import { readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface Figure {
  seconds: number
  cpuSeconds: number
  peakMiB: number
}

/** Run a command to its end, with its time, its processor time and the most memory it held. Needs GNU time. */
export function measureCommand(command: readonly string[], env: NodeJS.ProcessEnv = process.env): Figure {
  const report = join(tmpdir(), `tidemark-bench-${process.pid}`)
  const start = performance.now()
  const done = spawnSync('/usr/bin/time', ['-o', report, '-f', '%U %S %M', ...command], { encoding: 'utf8', env })
  const seconds = (performance.now() - start) / 1000
  if (done.status !== 0) throw new Error(`${command.join(' ')}: ${done.error?.message ?? done.stderr}`)
  const [user = 0, system = 0, peak = 0] = readFileSync(report, 'utf8').trim().split(' ').map(Number)
  rmSync(report)
  return { seconds, cpuSeconds: user + system, peakMiB: peak / 1024 }
}

/** Medians of the times, and the most memory of all. */
export function median(figures: readonly Figure[]): Figure {
  const of = (pick: (figure: Figure) => number): number =>
    figures.map(pick).toSorted((a, b) => a - b)[Math.floor(figures.length / 2)] ?? Number.NaN
  return {
    seconds: of(f => f.seconds),
    cpuSeconds: of(f => f.cpuSeconds),
    peakMiB: Math.max(...figures.map(f => f.peakMiB)),
  }
}
