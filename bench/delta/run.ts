/**
 * Changing a table of 10M rows in 20 files: MERGE of 100,000 rows that hit two files or all, DELETE by a condition that
 * hits all, OPTIMIZE; and opening a table of 300,000 files, as far as their list. Each run is a process of its own on a
 * fresh copy of the table, from start to commit; the contenders take turns, and each figure is the median of the rounds,
 * after one that is not counted. Compiled code is kept between the processes, as the command line and Python do. delta-rs
 * and Delta on Spark are measured beside us where they are installed (`npm run test:all` installs them); of Spark, the
 * statement in an open session.
 *
 *   node --conditions=source bench/delta/run.ts [ROUNDS] [OPERATION …]
 */
import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { rolldown } from 'rolldown'
import { hasPython, hasSpark, PYTHON } from '../../test/support/interop/installed.ts'
import { type Figure, measureCommand, median } from './figure.ts'
import { openSparkBench } from './spark.ts'

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url))

interface Contender {
  name: string
  /** The table's folder to copy for each run. */
  base: string
  /** The table that is only opened; undefined for a contender whose opening is that of another. */
  log: string | undefined
  measure: (folder: string, operation: string) => Figure | Promise<Figure>
}

const [rounds, ...wanted] = process.argv.slice(2)
const operations = wanted.length === 0 ? ['merge-two', 'merge-all', 'delete', 'optimize', 'open'] : wanted
const folder = mkdtempSync(join(tmpdir(), 'tidemark-delta-bench-'))
const env = { ...process.env, NODE_COMPILE_CACHE: join(folder, 'compiled') }

function node(script: string, ...args: string[]): Figure {
  return measureCommand([process.execPath, '--conditions=source', here(script), ...args], env)
}

/** The measured program in one file, below the repository, where the engine is found. */
async function bundleProgram(): Promise<(...args: string[]) => Figure> {
  const bundle = await rolldown({
    input: here('./change.ts'),
    platform: 'node',
    resolve: { conditionNames: ['source', 'import', 'node', 'default'] },
    external: id => id.startsWith('@duckdb/node-bindings'),
  })
  const file = here('../../.cache/bench-delta/change.js')
  await bundle.write({ file, format: 'esm', codeSplitting: false })
  await bundle.close()
  return (...args) => measureCommand([process.execPath, file, ...args], env)
}

async function measureOne({ base, log, measure }: Contender, operation: string): Promise<Figure> {
  const work = join(folder, 'work')
  cpSync(operation === 'open' ? (log ?? base) : base, work, { recursive: true })
  try {
    return await measure(work, operation)
  } finally {
    rmSync(work, { recursive: true })
  }
}

async function measureAll(contenders: readonly Contender[]): Promise<void> {
  process.stdout.write(`| operation | contender | wall s | CPU s | peak MiB |\n|---|---|---|---|---|\n`)
  for (const operation of operations) {
    const taking = contenders.filter(({ log }) => operation !== 'open' || log !== undefined)
    const figures = new Map(taking.map(({ name }) => [name, [] as Figure[]]))
    for (let round = 0; round <= Number(rounds ?? 3); round += 1) {
      for (const contender of taking) {
        const figure = await measureOne(contender, operation)
        if (round > 0) figures.get(contender.name)?.push(figure)
      }
    }
    for (const [name, all] of figures) {
      const { seconds, cpuSeconds, peakMiB } = median(all)
      const cells = [seconds.toFixed(2), cpuSeconds.toFixed(2), peakMiB.toFixed(0)]
      process.stdout.write(`| ${operation} | ${name} | ${cells.join(' | ')} |\n`)
    }
  }
}

const spark = hasSpark ? await openSparkBench() : undefined
try {
  const [plain, vectors, log] = ['plain', 'vectors', 'log'].map(name => join(folder, name)) as [string, string, string]
  const change = await bundleProgram()
  node('./make.ts', plain)
  node('./make-log.ts', log)
  cpSync(plain, vectors, { recursive: true })
  change(vectors, 'enable-vectors')
  const ours: Contender['measure'] = (at, operation) => change(at, operation)
  const deltaRs: Contender['measure'] = (at, operation) =>
    measureCommand([PYTHON, here('./delta_rs.py'), at, operation])
  await measureAll([
    { name: 'tidemark', base: plain, log, measure: ours },
    { name: 'tidemark, deletion vectors', base: vectors, log: undefined, measure: ours },
    ...(hasPython ? [{ name: 'delta-rs', base: plain, log, measure: deltaRs }] : []),
    ...(spark === undefined ? [] : [{ name: 'Delta on Spark, warm', base: plain, log, measure: spark.measure }]),
  ])
} finally {
  await spark?.stop()
  rmSync(folder, { recursive: true, force: true })
}
