/**
 * The smallest engine there is: rows are objects in an array, and a "Parquet" file is their JSON. It lets the log be
 * tested end to end, with every byte going through the store under test.
 */
import {
  type AddFile,
  type CommitPorts,
  type DataFile,
  field,
  type ObjectStore,
  type ParquetWriter,
  type Relations,
  type Snapshot,
  type StructType,
} from '../../src/index.ts'

export interface Row {
  id: number
  name: string
}

export const ROW_SCHEMA: StructType = { type: 'struct', fields: [field('id', 'long'), field('name', 'string')] }

/** Ports with counted uuids and time that only moves by sleeping. `pauses` records the sleeps. */
export function testPorts(store: ObjectStore, seed = 'a'): CommitPorts & { pauses: number[] } {
  const pauses: number[] = []
  let ids = 0
  let now = 1_700_000_000_000
  return {
    store,
    pauses,
    clock: {
      now: () => now,
      sleep: async ms => {
        pauses.push(ms)
        now += ms
      },
    },
    ids: { uuid: () => `${String((ids += 1)).padStart(8, '0')}-0000-4000-8000-${seed.padStart(12, '0')}` },
  }
}

/** Writes rows as one file with exact stats; `nextName` makes its name. */
export function rowWriter(store: ObjectStore, nextName: () => string): ParquetWriter<Row[]> {
  return {
    write: async (rows, { tablePath, signal }) => {
      if (rows.length === 0) return []
      const path = nextName()
      const bytes = new TextEncoder().encode(JSON.stringify(rows))
      await store.putIfAbsent(`${tablePath}/${path}`, bytes, { signal })
      return [dataFile(path, rows, bytes.length)]
    },
  }
}

export function dataFile(path: string, rows: readonly Row[], size = 1): DataFile {
  const ids = rows.map(r => r.id)
  const bounds = (pick: (...ids: number[]) => number): object => (ids.length === 0 ? {} : { id: pick(...ids) })
  const stats = {
    numRecords: rows.length,
    minValues: bounds(Math.min),
    maxValues: bounds(Math.max),
    nullCount: { id: 0, name: 0 },
  }
  return {
    path,
    size: BigInt(size),
    modificationTime: 1_700_000_000_000,
    stats: JSON.stringify(stats),
    numRecords: BigInt(rows.length),
    partitionValues: {},
  }
}

export function rowRelations(store: ObjectStore, tablePath: string): Relations<Row[]> & { asked: string[][] } {
  const asked: string[][] = []
  return {
    asked,
    findFiles: async (files, keys) => {
      asked.push(files.map(f => f.path))
      const wanted = new Set(keys.map(r => r.id))
      const hits = await Promise.all(
        files.map(async f => ((await readRows(store, tablePath, [f])).some(r => wanted.has(r.id)) ? [f.path] : [])),
      )
      return hits.flat()
    },
    withoutKeys: async (files, keys) => {
      const gone = new Set(keys.map(r => r.id))
      return (await readRows(store, tablePath, files)).filter(r => !gone.has(r.id))
    },
    keyRange: async keys => {
      const ids = keys.map(r => r.id)
      if (ids.length === 0) return undefined
      return new Map([['id', { min: String(Math.min(...ids)), max: String(Math.max(...ids)), hasNull: false }]])
    },
  }
}

/** All rows of a snapshot, ordered by id. */
export async function tableRows(store: ObjectStore, snapshot: Snapshot): Promise<Row[]> {
  const rows = await readRows(store, snapshot.tablePath, [...snapshot.files.values()])
  return rows.sort((a, b) => a.id - b.id)
}

async function readRows(store: ObjectStore, tablePath: string, files: readonly AddFile[]): Promise<Row[]> {
  const parts = await Promise.all(
    files.map(async f => JSON.parse(new TextDecoder().decode(await store.get(`${tablePath}/${f.path}`))) as Row[]),
  )
  return parts.flat()
}
