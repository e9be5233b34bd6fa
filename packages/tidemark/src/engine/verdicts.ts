/**
 * What follows from verdicts: which rows of a file stay, how updated and inserted ones read, what the change feed tells, where
 * hits lie. Each is a query over the temporary table of verdicts; nothing is judged again.
 */
import type {
  AddFile,
  Assignments,
  FileHits,
  JudgeRequest,
  Judgement,
  RowChange,
  StructField,
  TargetClause,
} from '@tidemark/delta'
import type { PlaceColumns, Session } from './engine.ts'
import { pathFinder, rowPlaces } from './row-places.ts'
import { ident, integer, join, raw, type Sql, sql, text } from './sql.ts'
import { toDuckType } from './types.ts'

export type Change = RowChange<Sql, Sql>

/** Columns of the verdicts; neither side of the change has a column of such a name. */
export interface Names {
  place: PlaceColumns
  file: Sql
  row: Sql
  /** Number of the source's row, NULL where nothing matched; by it updates and inserts find their values again. */
  source: Sql
  /** Number of the clause that takes a row; 0 for a row that matched and that none takes. */
  clause: Sql
}

export interface Judging {
  session: Session
  request: JudgeRequest<Sql, Sql>
  names: Names
}

/** Where the verdicts lie. */
export interface Verdicts extends Judging {
  /** Temporary table with the source's rows; undefined when none are needed after the first phase. */
  source: Sql | undefined
  verdicts: Sql
}

/** Number of the first clause that takes the row, counted from 1 and given a sign; 0 when none does. */
export function clauseNumber(clauses: readonly { when?: Sql | undefined }[], sign: 1 | -1): Sql {
  if (clauses.length === 0) return raw('CAST(0 AS TINYINT)')
  const cases = clauses.map(
    ({ when }, i) => sql`WHEN ${when === undefined ? raw('true') : sql`(${when})`} THEN ${integer(sign * (i + 1))}`,
  )
  return sql`CAST(CASE ${join(cases, ' ')} ELSE 0 END AS TINYINT)`
}

export async function countHits({ session, request, names, verdicts }: Verdicts): Promise<FileHits[]> {
  const { file, clause } = names
  const updates = updateNumbers(request.change)
  const isUpdate =
    updates.length === 0 ? raw('false') : sql`${clause} IN (${join(updates.map(u => integer(u.number)))})`
  const rows = await session.rows(
    sql`SELECT ${file} AS file, count(*) FILTER (${isUpdate}) AS updates, count(*) FILTER (NOT ${isUpdate}) AS deletes \
FROM ${verdicts} WHERE ${clause} <> 0 GROUP BY ${file}`,
    request.signal,
  )
  const pathOf = pathFinder(session, request.snapshot, request.files)
  return rows.map(row => ({
    path: pathOf(row['file']),
    updateCount: toCount(row['updates']),
    deleteCount: toCount(row['deletes']),
  }))
}

function toCount(cell: unknown): bigint {
  if (typeof cell !== 'bigint') throw new TypeError(`this is a bug in tidemark: a count gave ${String(cell)}`)
  return cell
}

interface Update {
  number: number
  clause: Extract<TargetClause<Sql>, { kind: 'update' }>
}

function updateNumbers({ matched = [], notMatchedBySource = [] }: Change): Update[] {
  const numbered = (clauses: readonly TargetClause<Sql>[], sign: 1 | -1): Update[] =>
    clauses.flatMap((clause, i) => (clause.kind === 'update' ? [{ number: sign * (i + 1), clause }] : []))
  return [...numbered(matched, 1), ...numbered(notMatchedBySource, -1)]
}

export function ambiguousQuery({ names: { file, row, clause }, verdicts }: Verdicts): Sql {
  return countOf(sql`SELECT 1 FROM ${verdicts} WHERE ${clause} > 0 GROUP BY ${file}, ${row} HAVING count(*) > 1`)
}

export async function keptQuery(at: Verdicts, files: readonly AddFile[]): Promise<Sql> {
  const { request, names, verdicts } = at
  const { file, row, clause } = names
  return sql`SELECT ${columnNames(request)} FROM ${await scanTarget(at, files)} target \
ANTI JOIN (SELECT ${file}, ${row} FROM ${verdicts} WHERE ${clause} <> 0 AND ${inFiles(at, files)}) verdict USING (${file}, ${row})`
}

/** Each update clause by itself; the target is read only where a value comes from it. */
export async function updatedQuery(at: Verdicts, files: readonly AddFile[]): Promise<Sql> {
  const { request, names, source, verdicts } = at
  const updates = updateNumbers(request.change)
  const scanned = updates.some(u => readsTarget(request, u)) ? await scanTarget(at, files) : raw('')
  const parts = updates.map(update => {
    const { number, clause } = update
    const hits = sql`(SELECT * FROM ${verdicts} WHERE ${names.clause} = ${integer(number)} AND ${inFiles(at, files)}) verdict`
    const target = readsTarget(request, update)
      ? sql` JOIN ${scanned} target USING (${names.file}, ${names.row})`
      : raw('')
    const from =
      number > 0 && source !== undefined
        ? sql` JOIN ${source} source ON source.${names.source} = verdict.${names.source}`
        : raw('')
    const values = request.schema.fields.map(field => assigned(clause.set, field, ident('target', field.name)))
    return sql`SELECT ${join(values)} FROM ${hits}${target}${from}`
  })
  return join(parts, ' UNION ALL ')
}

function readsTarget({ schema }: JudgeRequest<Sql, Sql>, { clause }: Update): boolean {
  return schema.fields.some(f => !('source' in (clause.set.get(f.name) ?? {})))
}

/** Old versions of the changed rows, the new ones, and what is inserted. */
export async function changesQuery(at: Verdicts): Promise<Sql> {
  const { request, names, verdicts } = at
  const paths = [...request.files]
  const updates = updateNumbers(request.change).map(({ number }) => integer(number))
  const type =
    updates.length === 0
      ? text('delete')
      : sql`CASE WHEN ${names.clause} IN (${join(updates)}) THEN 'update_preimage' ELSE 'delete' END`
  const parts = [
    sql`SELECT ${columnNames(request)}, ${type} AS _change_type FROM ${await scanTarget(at, paths)} target \
JOIN (SELECT * FROM ${verdicts} WHERE ${names.clause} <> 0) verdict USING (${names.file}, ${names.row})`,
  ]
  if (updates.length > 0) parts.push(sql`SELECT *, 'update_postimage' FROM (${await updatedQuery(at, paths)})`)
  if ((request.change.notMatched ?? []).length > 0) parts.push(sql`SELECT *, 'insert' FROM (${insertQuery(at)})`)
  return join(parts, ' UNION ALL ')
}

/**
 * By one query for all files: one for each would cost more than its rows do. A row comes with the number of its file, as
 * the path of each would cost as much as finding it.
 */
export async function* positions(at: Verdicts, files: readonly AddFile[]): ReturnType<Judgement<Sql>['positions']> {
  const { session, request, names, verdicts } = at
  if (files.length === 0) return
  const places = join(files.map(file => text(session.locate(request.snapshot, file.path))))
  const asked = sql`(SELECT unnest([${places}]) AS ${names.file}, unnest(range(${integer(files.length)})) AS asked)`
  const query = sql`SELECT asked, ${names.row} FROM ${verdicts} JOIN ${asked} USING (${names.file}) \
WHERE ${names.clause} <> 0 ORDER BY asked`
  yield* rowPlaces(session.batches(query, request.signal), files)
}

/** In exactly the column's type: beside a value of another, rows that are only copied would be made ones of that type. */
function assigned(values: Assignments<Sql>, { name, type }: StructField, otherwise: Sql): Sql {
  const value = values.get(name)
  if (value === undefined) return sql`${otherwise} AS ${ident(name)}`
  const given = 'source' in value ? ident('source', value.source) : sql`(${value.expression})`
  return sql`CAST(${given} AS ${toDuckType(type)}) AS ${ident(name)}`
}

/** Rows of the source that matched nothing, each by the first clause that takes it. */
export function insertQuery({ request, names, source, verdicts }: Verdicts): Sql {
  const clauses = request.change.notMatched ?? []
  if (source === undefined) throw new TypeError('this is a bug in tidemark: an insert without a source')
  const unmatched = sql`SELECT source.*, ${clauseNumber(clauses, 1)} AS ${names.clause} FROM ${source} source \
ANTI JOIN (SELECT ${names.source} FROM ${verdicts} WHERE ${names.source} IS NOT NULL) verdict \
ON source.${names.source} = verdict.${names.source}`
  const parts = clauses.map((clause, i) => {
    const values = request.schema.fields.map(field => assigned(clause.values, field, nullOf(field)))
    return sql`SELECT ${join(values)} FROM (${unmatched}) source WHERE ${names.clause} = ${integer(i + 1)}`
  })
  return join(parts, ' UNION ALL ')
}

function nullOf({ type }: StructField): Sql {
  return sql`CAST(NULL AS ${toDuckType(type)})`
}

export async function scanTarget({ session, request, names }: Judging, files: readonly AddFile[]): Promise<Sql> {
  const evolved = { ...request.snapshot, schema: request.schema }
  return sql`(${await session.scan(evolved, { files, withPlace: names.place })})`
}

function inFiles({ session, request, names }: Judging, files: readonly AddFile[]): Sql {
  return sql`${names.file} IN (${join(files.map(f => text(session.locate(request.snapshot, f.path))))})`
}

function columnNames(request: JudgeRequest<Sql, Sql>): Sql {
  return join(request.schema.fields.map(f => ident('target', f.name)))
}

export function countOf(query: Sql): Sql {
  return sql`SELECT count(*) FROM (${query})`
}
