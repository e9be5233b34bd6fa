/**
 * A table with a long log and no rows: so many files that are only named, each with statistics, in a checkpoint.
 *
 *   node --conditions=source bench/delta/make-log.ts FOLDER [FILES]
 */
import { mkdir } from 'node:fs/promises'
import { commit, type DataFile, field, stageCreate, type StructType, writeCheckpoint } from '@tidemark/delta'
import { type Bench, TABLE, withBench } from './engine.ts'

const SCHEMA: StructType = { type: 'struct', fields: [field('id', 'long'), field('name', 'string')] }

function namedFile(i: number): DataFile {
  const stats = `{"numRecords":100,"minValues":{"id":${i}},"maxValues":{"id":${i + 99}},"nullCount":{"id":0}}`
  const about = { size: BigInt(1000 + i), modificationTime: 1_700_000_000_000, partitionValues: {} }
  return { path: `part-${i}.parquet`, ...about, stats, numRecords: 100n }
}

async function make({ ports }: Bench, fileCount: number): Promise<void> {
  const files = Array.from({ length: fileCount }, (_, i) => namedFile(i))
  const staged = stageCreate({ tablePath: TABLE, schema: SCHEMA, files, info: { operation: 'CREATE TABLE' } })
  const result = await commit(ports, staged)
  if (result.kind !== 'committed') throw new Error(result.reason)
  await writeCheckpoint(ports, { tablePath: TABLE })
}

const [folder, files = '300000'] = process.argv.slice(2)
if (folder === undefined) throw new Error('usage: make-log.ts FOLDER [FILES]')
await mkdir(folder, { recursive: true })
// The checkpoint of so many files takes more memory than the changes that are measured.
await withBench(folder, bench => make(bench, Number(files)), '1GB')
