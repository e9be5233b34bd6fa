/**
 * What the examples in docstrings may speak of: a store, a table `people` of two files, and the smallest engine there is.
 */
import {
  type CommitPorts,
  commit,
  type DataFile,
  type LogParquet,
  type ObjectStore,
  type ParquetWriter,
  type Relations,
  type RowChecker,
  type Snapshot,
  type Staged,
  stageAppend,
  stageCreate,
} from '@tidemark/delta'
import { jsonParquet } from './json-parquet.ts'
import { memoryStore } from './memory-store.ts'
import { type Row, ROW_SCHEMA, type RowExpr, rowRelations, rowWriter, testPorts } from './rows.ts'

export interface ExampleWorld {
  /** A folder on disk that does not exist yet. */
  readonly folder: string
  readonly store: ObjectStore
  readonly ports: CommitPorts & { readonly logParquet: LogParquet }
  /** Version 1 of a table with the columns `id` and `name`: Ann and Bo in the file `a`, Cy in `b`. */
  readonly people: Snapshot
  /** A finished file `c` with one more row, that no commit names yet. */
  readonly files: readonly DataFile[]
  readonly parquet: ParquetWriter<Row[]>
  readonly relations: Relations<Row[], RowExpr>
  readonly checker: RowChecker<readonly Row[]>
}

export async function makeExampleWorld(folder: string): Promise<ExampleWorld> {
  const store = memoryStore()
  const ports = { ...testPorts(store), logParquet: jsonParquet(store) }
  const names = ['a', 'b', 'c', 'd', 'e']
  const parquet = rowWriter(store, () => names.shift() ?? 'f')
  const write = (rows: Row[]): Promise<DataFile[]> => parquet.write(rows, { tablePath: 'people', schema: ROW_SCHEMA })
  const publish = async (staged: Staged): Promise<Snapshot> => {
    const result = await commit(ports, staged)
    if (result.kind === 'conflict') throw new Error(result.reason)
    return result.snapshot
  }
  const first = await write([
    { id: 1, name: 'Ann' },
    { id: 2, name: 'Bo' },
  ])
  const info = { operation: 'CREATE TABLE' }
  const created = await publish(stageCreate({ tablePath: 'people', schema: ROW_SCHEMA, files: first, info }))
  const second = await write([{ id: 3, name: 'Cy' }])
  const people = await publish(stageAppend(created, { files: second, info: { operation: 'WRITE' } }))
  return {
    folder,
    store,
    ports,
    people,
    files: await write([{ id: 4, name: 'Di' }]),
    parquet,
    relations: rowRelations(store),
    checker: { countViolations: async (rows, conditions) => conditions.map(() => idsNotAbove0(rows)) },
  }
}

/** The checker of these examples knows one condition. */
function idsNotAbove0(rows: readonly Row[]): bigint {
  return BigInt(rows.filter(({ id }) => id <= 0).length)
}
