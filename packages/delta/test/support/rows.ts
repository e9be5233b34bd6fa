/**
 * The smallest engine there is: rows are objects in an array, and a "Parquet" file is their JSON. It lets the log be
 * tested end to end, with every byte going through the store under test.
 */
import {
  type AddFile,
  type Assignments,
  type CommitPorts,
  type DataFile,
  field,
  type Judgement,
  type ObjectStore,
  type ParquetWriter,
  type Predicate,
  type Relations,
  type RowChange,
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
    write: async (rows, { tablePath, purpose, signal }) => {
      if (rows.length === 0) return []
      const path = `${purpose === 'changes' ? '_change_data/' : ''}${nextName()}`
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

/** An expression of this engine. */
export type RowExpr = (sides: { target: Row | undefined; source: Row | undefined }) => unknown

/** Judges rows one by one, in the plainest way there is. `asked` records which files it was given. */
export function rowRelations(store: ObjectStore): Relations<Row[], RowExpr> & { asked: string[][] } {
  const asked: string[][] = []
  return {
    asked,
    scan: (snapshot, files) => readRows(store, snapshot.tablePath, files),
    countUnless: async (rows, condition) =>
      BigInt(rows.filter(target => condition({ target, source: undefined }) !== true).length),
    express: predicate => sides => evaluateRow(predicate, sides),
    typed: rows => rows,
    union: parts => parts.flat(),
    asInserted: rows => rows.map(row => ({ ...row, _change_type: 'insert' })),
    keyRange: async rows => {
      const ids = rows.map(r => r.id)
      if (ids.length === 0) return undefined
      return new Map([['id', { min: String(Math.min(...ids)), max: String(Math.max(...ids)), hasNull: false }]])
    },
    judge: async ({ snapshot, files, change }) => {
      asked.push(files.map(f => f.path))
      const lines: Verdict[] = []
      for (const file of files) {
        const rows = await readRows(store, snapshot.tablePath, [file])
        lines.push(...rows.map((target, row) => judgeRow(change, target, { path: file.path, row: BigInt(row) })))
      }
      return judgement(change, lines)
    },
  }
}

/** Conditions on `id` alone, which is never NULL. */
function evaluateRow(predicate: Predicate<RowExpr>, sides: Parameters<RowExpr>[0]): unknown {
  switch (predicate.kind) {
    case 'compare': {
      const [a, b] = [sides.target?.id ?? 0, Number(predicate.value)]
      const holds = { '=': a === b, '<>': a !== b, '<': a < b, '<=': a <= b, '>': a > b, '>=': a >= b }
      return holds[predicate.op]
    }
    case 'isNull':
      return false
    case 'and':
      return predicate.of.every(one => evaluateRow(one, sides))
    case 'or':
      return predicate.of.some(one => evaluateRow(one, sides))
    case 'not':
      return !evaluateRow(predicate.of, sides)
    case 'expression':
      return predicate.expression(sides)
  }
}

const typed = (row: Row, type: string): Row & { _change_type: string } => ({ ...row, _change_type: type })

interface Verdict {
  path: string
  row: bigint
  target: Row
  matches: Row[]
  /** How many of the matches a clause takes. */
  taken: number
  after: Row | 'kept' | 'deleted'
}

type RowRule = RowChange<Row[], RowExpr>

function isMatch({ source }: RowRule, target: Row, row: Row): boolean {
  if (source === undefined) return false
  const keys = source.keys.every(key => key.target === 'id' && key.source === 'id' && target.id === row.id)
  return keys && (source.condition === undefined || source.condition({ target, source: row }) === true)
}

function judgeRow(change: RowRule, target: Row, at: { path: string; row: bigint }): Verdict {
  const matches = (change.source?.rows ?? []).filter(row => isMatch(change, target, row))
  const outcomes = (matches.length === 0 ? [undefined] : matches).map(source => {
    const clauses = (source === undefined ? change.notMatchedBySource : change.matched) ?? []
    const clause = clauses.find(c => c.when === undefined || c.when({ target, source }) === true)
    if (clause === undefined) return 'kept'
    return clause.kind === 'delete' ? 'deleted' : assign(clause.set, target, { target, source })
  })
  const taken = outcomes.filter(outcome => outcome !== 'kept')
  return { ...at, target, matches, taken: taken.length, after: taken[0] ?? 'kept' }
}

function assign(
  set: Assignments<RowExpr>,
  base: Partial<Row>,
  sides: { target: Row | undefined; source: Row | undefined },
): Row {
  const values = [...set].map(([column, value]) => [
    column,
    'source' in value ? sides.source?.[value.source as keyof Row] : value.expression(sides),
  ])
  return { ...base, ...Object.fromEntries(values) } as Row
}

function judgement(change: RowRule, lines: readonly Verdict[]): Judgement<Row[]> {
  const matched = new Set(lines.flatMap(line => line.matches))
  const inserted = (change.source?.rows ?? []).flatMap(source => {
    const sides = { target: undefined, source }
    if (matched.has(source)) return []
    const clause = (change.notMatched ?? []).find(c => c.when === undefined || c.when(sides) === true)
    return clause === undefined ? [] : [assign(clause.values, {}, sides)]
  })
  const only = change.matched ?? []
  const mayRepeat = only.length === 1 && only[0]?.kind === 'delete' && only[0].when === undefined
  const of = (files: readonly AddFile[]): Verdict[] => lines.filter(line => files.some(f => f.path === line.path))
  const hits = lines.filter(line => line.after !== 'kept')
  return {
    hits: [...new Set(hits.map(line => line.path))].map(path => {
      const here = hits.filter(line => line.path === path)
      const deleted = here.filter(line => line.after === 'deleted').length
      return { path, updateCount: BigInt(here.length - deleted), deleteCount: BigInt(deleted) }
    }),
    insertCount: BigInt(inserted.length),
    ambiguousCount: mayRepeat ? 0n : BigInt(lines.filter(line => line.taken > 1).length),
    kept: async files => of(files).flatMap(line => (line.after === 'kept' ? [line.target] : [])),
    updated: async files => of(files).flatMap(line => (typeof line.after === 'object' ? [line.after] : [])),
    inserted: () => inserted,
    changes: async () => [
      ...hits.map(({ target, after }) => typed(target, after === 'deleted' ? 'delete' : 'update_preimage')),
      ...hits.flatMap(({ after }) => (typeof after === 'object' ? [typed(after, 'update_postimage')] : [])),
      ...inserted.map(row => typed(row, 'insert')),
    ],
    positions: async function* (files) {
      for (const { path, row } of hits.filter(line => files.some(f => f.path === line.path))) {
        yield { path, rows: [Number(row)] }
      }
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
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
