/**
 * One measured operation in one process: the whole way from opening the table to the commit.
 *
 *   node --conditions=source bench/delta/change.ts FOLDER merge-two|merge-all|delete|optimize|open
 */
import { join } from 'node:path'
import { commit, compare, stageChange, stageDelete, stageMetadata, stageOptimize } from '@tidemark/delta'
import { sql, text } from '../../packages/tidemark/src/engine/sql.ts'
import { type Bench, withBench } from './engine.ts'

const info = { operation: 'MERGE' }

async function merge({ ports, parquet, relations, table }: Bench, source: string): Promise<object> {
  const snapshot = await table()
  const columns = new Map(snapshot.schema.fields.map(({ name }) => [name, { source: name }]))
  const { staged, counts } = await stageChange({
    snapshot,
    change: {
      source: { rows: sql`SELECT * FROM read_parquet(${text(source)})`, keys: [{ target: 'id', source: 'id' }] },
      matched: [{ kind: 'update', set: columns }],
      notMatched: [{ values: columns }],
    },
    info,
    ports,
    parquet,
    relations,
  })
  await publish(ports, staged)
  return counts
}

async function publish(ports: Bench['ports'], staged: Parameters<typeof commit>[1]): Promise<void> {
  const result = await commit(ports, staged)
  if (result.kind !== 'committed') throw new Error(result.reason)
}

const OPERATIONS: Record<string, (bench: Bench, folder: string) => Promise<object>> = {
  'merge-two': (bench, folder) => merge(bench, join(folder, 'two.parquet')),
  'merge-all': (bench, folder) => merge(bench, join(folder, 'all.parquet')),
  delete: async bench => {
    const { ports, parquet, relations } = bench
    const where = compare('customer_id', '<', '2000')
    const change = { snapshot: await bench.table(), where, info: { operation: 'DELETE' }, ports, parquet, relations }
    const { staged, counts } = await stageDelete(change)
    await publish(ports, staged)
    return counts
  },
  optimize: async ({ ports, parquet, relations, table }) => {
    const staged = await stageOptimize({ snapshot: await table(), parquet, relations })
    if (staged === undefined) return {}
    await publish(ports, staged)
    return staged.info.operationMetrics ?? {}
  },
  open: async ({ table }) => ({ files: (await table()).files.size }),
  'enable-vectors': async ({ ports, table }) => {
    const configuration = { 'delta.enableDeletionVectors': 'true' }
    await publish(ports, stageMetadata(await table(), { configuration, info: { operation: 'SET TBLPROPERTIES' } }))
    return {}
  },
}

const [folder = '', name = ''] = process.argv.slice(2)
const operation = OPERATIONS[name]
if (operation === undefined) throw new Error(`usage: change.ts FOLDER ${Object.keys(OPERATIONS).join('|')}`)
const done = await withBench(folder, bench => operation(bench, folder))
process.stdout.write(
  `${JSON.stringify(done, (_key, value: unknown) => (typeof value === 'bigint' ? Number(value) : value))}\n`,
)
