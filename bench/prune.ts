/**
 * Time of leaving out files by their stats: `node --conditions=source bench/prune.ts [files] [columns]`. Aim: well under a
 * second of processor time for 300,000 files of 20 columns. Last line: what parsing all stats takes without any question.
 */
import { type AddFile, and, compare, field, isIn, type Predicate, pruneFiles } from '@tidemark/delta'

const fileCount = Number(process.argv[2] ?? 300_000)
const columnCount = Number(process.argv[3] ?? 20)
const types = ['long', 'string', 'timestamp'] as const
const fields = Array.from({ length: columnCount }, (_, i) => field(`column_${i}`, types[i % 3] ?? 'long'))
const table = {
  schema: { type: 'struct' as const, fields: [...fields, field('day', 'date')] },
  protocol: { minReaderVersion: 1, minWriterVersion: 2 },
  metaData: { partitionColumns: ['day'], configuration: {} },
}

function bound(column: number, file: number): string {
  const two = (n: number): string => String(n % 60).padStart(2, '0')
  if (column % 3 === 0) return String(file * 100)
  return column % 3 === 1 ? `"value of file ${file}"` : `"2024-01-01T00:${two(file / 60)}:${two(file)}.000Z"`
}

const members = (value: (column: number) => string): string =>
  `{${fields.map(({ name }, i) => `"${name}":${value(i)}`).join(',')}}`

/** Through JSON, so that the text is one piece in memory, as it is when it comes from a log. */
function addFile(file: number): AddFile {
  const stats = `{"numRecords":100,"minValues":${members(i => bound(i, file))},"maxValues":${members(i => bound(i, file + 1))},"nullCount":${members(() => '0')}}`
  const path = `part-${file}.parquet`
  const partitionValues = { day: `2024-01-${String((file % 28) + 1).padStart(2, '0')}` }
  return {
    path,
    uri: path,
    partitionValues,
    size: 1n,
    modificationTime: 0,
    dataChange: true,
    stats: JSON.parse(JSON.stringify(stats)) as string,
  }
}

const files = Array.from({ length: fileCount }, (_, file) => addFile(file))
const last = `column_${columnCount - 1 - ((columnCount - 1) % 3)}`
const middle = String(fileCount * 50 + 50)
const keys = Array.from({ length: 10_000 }, (_, i) => String(i * 3000 + 50))
const questions: readonly [name: string, predicate: Predicate<never>][] = [
  ['first column = n', compare('column_0', '=', middle)],
  [`${last} = n`, compare(last, '=', middle)],
  ['string = text', compare('column_1', '=', 'value of file 1500')],
  ['timestamp < time', compare('column_2', '<', '2024-01-01T00:10:00Z')],
  ['first column in 10,000 keys', isIn('column_0', keys)],
  ['partition = day', compare('day', '=', '2024-01-05')],
  ['partition and column', and(compare('day', '=', '2024-01-05'), compare('column_0', '>', middle))],
]

/** The least of five runs, in milliseconds of processor time: other work on the machine does not count. */
function measure(work: () => number): { ms: number; count: number } {
  const runs = Array.from({ length: 5 }, () => {
    const start = process.cpuUsage()
    const count = work()
    const { user, system } = process.cpuUsage(start)
    return { ms: (user + system) / 1000, count }
  })
  return runs.reduce((best, run) => (run.ms < best.ms ? run : best))
}

console.log(`${fileCount} files, ${columnCount} columns, ${files[0]?.stats?.length} characters of stats each`)
for (const [name, predicate] of questions) {
  const { ms, count } = measure(() => pruneFiles(files, table, predicate).length)
  console.log(`${name.padEnd(28)} ${ms.toFixed(0).padStart(6)} ms   ${count} files left`)
}
const parsed = measure(() => files.filter(file => typeof JSON.parse(file.stats ?? '') === 'object').length)
console.log(`${'(JSON.parse of all stats)'.padEnd(28)} ${parsed.ms.toFixed(0).padStart(6)} ms`)
