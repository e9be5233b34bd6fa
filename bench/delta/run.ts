/**
 * Changing a table of 10M rows in 20 files: MERGE of 100,000 rows that hit two files or all, DELETE by a condition that
 * hits all, OPTIMIZE. Each run is a process of its own on a fresh copy of the table, from start to commit; the contenders
 * take turns, and each figure is the median of the rounds. delta-rs is measured beside us where it is installed
 * (`npm run test:all` installs it). Needs GNU time.
 *
 *   node --conditions=source bench/delta/run.ts [ROUNDS]
 */
import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url))
const PYTHON = here('../../.cache/venv/bin/python')
const OPERATIONS = ['merge-two', 'merge-all', 'delete', 'optimize']

interface Figure {
  seconds: number
  cpuSeconds: number
  peakMiB: number
}

interface Contender {
  name: string
  /** The table's folder to copy for each run. */
  base: string
  run: (folder: string, operation: string) => string[]
}

/** Run a command to its end, with its time, its processor time and the most memory it held. */
function measure(command: readonly string[]): Figure {
  const report = join(tmpdir(), `tidemark-bench-${process.pid}`)
  const start = performance.now()
  const done = spawnSync('/usr/bin/time', ['-o', report, '-f', '%U %S %M', ...command], { encoding: 'utf8' })
  const seconds = (performance.now() - start) / 1000
  if (done.status !== 0) throw new Error(`${command.join(' ')}: ${done.error?.message ?? done.stderr}`)
  const [user = 0, system = 0, peak = 0] = readFileSync(report, 'utf8').trim().split(' ').map(Number)
  rmSync(report)
  return { seconds, cpuSeconds: user + system, peakMiB: peak / 1024 }
}

function median(figures: readonly Figure[]): Figure {
  const of = (pick: (figure: Figure) => number): number =>
    figures.map(pick).toSorted((a, b) => a - b)[Math.floor(figures.length / 2)] ?? Number.NaN
  return {
    seconds: of(f => f.seconds),
    cpuSeconds: of(f => f.cpuSeconds),
    peakMiB: Math.max(...figures.map(f => f.peakMiB)),
  }
}

function node(script: string, ...args: string[]): string[] {
  return [process.execPath, '--conditions=source', here(script), ...args]
}

const rounds = Number(process.argv[2] ?? 3)
const folder = mkdtempSync(join(tmpdir(), 'tidemark-delta-bench-'))
try {
  const [plain, vectors, work] = [join(folder, 'plain'), join(folder, 'vectors'), join(folder, 'work')]
  measure(node('./make.ts', plain))
  cpSync(plain, vectors, { recursive: true })
  measure(node('./change.ts', vectors, 'enable-vectors'))
  const ours = (name: string, base: string): Contender => ({
    name,
    base,
    run: (at, operation) => node('./change.ts', at, operation),
  })
  const contenders = [ours('tidemark', plain), ours('tidemark, deletion vectors', vectors)]
  if (existsSync(PYTHON)) {
    contenders.push({
      name: 'delta-rs',
      base: plain,
      run: (at, operation) => [PYTHON, here('./delta_rs.py'), at, operation],
    })
  }
  process.stdout.write(`| operation | contender | wall s | CPU s | peak MiB |\n|---|---|---|---|---|\n`)
  for (const operation of OPERATIONS) {
    const figures = new Map(contenders.map(({ name }) => [name, [] as Figure[]]))
    for (let round = 0; round < rounds; round += 1) {
      for (const { name, base, run } of contenders) {
        cpSync(base, work, { recursive: true })
        figures.get(name)?.push(measure(run(work, operation)))
        rmSync(work, { recursive: true })
      }
    }
    for (const [name, all] of figures) {
      const { seconds, cpuSeconds, peakMiB } = median(all)
      const cells = [seconds.toFixed(2), cpuSeconds.toFixed(2), peakMiB.toFixed(0)]
      process.stdout.write(`| ${operation} | ${name} | ${cells.join(' | ')} |\n`)
    }
  }
} finally {
  rmSync(folder, { recursive: true, force: true })
}
