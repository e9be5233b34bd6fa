/**
 * The first phase of a change on DuckDB: which rows of some files are updated or deleted, by which clause, and because
 * of which row of the source. The verdicts lie in a temporary table; everything else is a query over it.
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
import { FILE_COLUMN, type PlaceColumns, ROW_COLUMN, type Session } from './engine.ts'
import { freeName } from './free-name.ts'
import { pathFinder, rowPlaces } from './row-places.ts'
import { ident, integer, join, raw, type Sql, sql, text } from './sql.ts'
import { toDuckType } from './types.ts'

type Change = RowChange<Sql, Sql>

/** Columns of the verdicts; neither side of the change has a column of such a name. */
interface Names {
  place: PlaceColumns
  file: Sql
  row: Sql
  /** Number of the source's row, NULL where nothing matched; by it updates and inserts find their values again. */
  source: Sql
  /** Number of the clause that takes a row; 0 for a row that matched and that none takes. */
  clause: Sql
}

interface Judging {
  session: Session
  request: JudgeRequest<Sql, Sql>
  names: Names
}

/** Where the verdicts lie. */
interface Verdicts extends Judging {
  /** Temporary table with the source's rows; undefined when none are needed after the first phase. */
  source: Sql | undefined
  verdicts: Sql
}

/** Judge every row of the files. The result's temporary tables live until it is disposed of. */
export async function judge(session: Session, request: JudgeRequest<Sql, Sql>): Promise<Judgement<Sql>> {
  const { change, signal } = request
  const judging: Judging = { session, request, names: await chooseNames(session, request) }
  const source = await keepSource(judging)
  const verdicts = ident(session.temporaryName('verdicts'))
  await session.run(sql`CREATE TEMP TABLE ${verdicts} AS ${await verdictQuery(judging, source)}`, signal)
  const at: Verdicts = { ...judging, source, verdicts }
  return {
    hits: await countHits(at),
    insertCount: (change.notMatched ?? []).length === 0 ? 0n : await session.count(countOf(insertQuery(at)), signal),
    ambiguousCount: isRepeatable(change) ? 0n : await session.count(ambiguousQuery(at), signal),
    kept: files => keptQuery(at, files),
    updated: files => updatedQuery(at, files),
    inserted: () => insertQuery(at),
    changes: () => changesQuery(at),
    positions: files => positions(at, files),
    [Symbol.asyncDispose]: async () => {
      for (const table of source === undefined ? [verdicts] : [verdicts, source]) {
        await session.run(sql`DROP TABLE IF EXISTS ${table}`)
      }
    },
  }
}

async function chooseNames(session: Session, { change, schema }: JudgeRequest<Sql, Sql>): Promise<Names> {
  const columns = change.source === undefined ? [] : await session.describe(change.source.rows)
  const taken = [...schema.fields, ...columns].map(column => column.name)
  const place = { file: freeName(FILE_COLUMN, taken), row: freeName(ROW_COLUMN, taken) }
  return {
    place,
    file: ident(place.file),
    row: ident(place.row),
    source: ident(freeName('_tidemark_source', taken)),
    clause: ident(freeName('_tidemark_clause', taken)),
  }
}

/** True when it does not matter how often a row is matched: it is deleted, whatever matches it. */
function isRepeatable({ matched = [] }: Change): boolean {
  const [only] = matched
  return matched.length === 1 && only?.kind === 'delete' && only.when === undefined
}

/** The source is read more than once unless all it does is delete what it matches. */
async function keepSource({ session, request, names }: Judging): Promise<Sql | undefined> {
  const { change, signal } = request
  const { source, notMatched = [], notMatchedBySource = [] } = change
  const isReadOnce = isRepeatable(change) && notMatched.length === 0 && notMatchedBySource.length === 0
  if (source === undefined || isReadOnce) return undefined
  const table = ident(session.temporaryName('source'))
  await session.run(
    sql`CREATE TEMP TABLE ${table} AS SELECT *, row_number() OVER () AS ${names.source} FROM (${source.rows})`,
    signal,
  )
  return table
}

/** One row for each pair that matched, and one for each unmatched row of the target that a clause takes. */
async function verdictQuery(judging: Judging, kept: Sql | undefined): Promise<Sql> {
  const { change, files } = judging.request
  const { file, row, source: number, clause } = judging.names
  const { source, matched = [], notMatched = [], notMatchedBySource = [] } = change
  const target = await scanTarget(judging, files)
  const place = sql`target.${file}, target.${row}`
  const noSource = sql`CAST(NULL AS BIGINT) AS ${number}`
  const byItself = sql`SELECT ${place}, ${noSource}, ${clauseNumber(notMatchedBySource, -1)} AS ${clause} FROM ${target} target`
  if (source === undefined) return sql`SELECT * FROM (${byItself}) WHERE ${clause} <> 0`
  const rows = kept ?? sql`(${source.rows})`
  const on = matchCondition(change)
  const deletes = sql`SELECT ${place}, ${noSource}, CAST(1 AS TINYINT) AS ${clause} \
FROM ${target} target SEMI JOIN ${rows} source ON ${on}`
  // A row is deleted once, however often it is matched; that a row of the source matched is told by itself.
  const matches = sql`SELECT NULL, NULL, source.${number}, CAST(0 AS TINYINT) FROM ${rows} source SEMI JOIN ${target} target ON ${on}`
  const pairs = isRepeatable(change)
    ? notMatched.length === 0
      ? deletes
      : sql`${deletes} UNION ALL ${matches}`
    : sql`SELECT ${place}, source.${number}, ${clauseNumber(matched, 1)} AS ${clause} \
FROM ${target} target JOIN ${rows} source ON ${on}`
  if (notMatchedBySource.length === 0) return pairs
  return sql`${pairs} UNION ALL SELECT * FROM (${byItself} ANTI JOIN ${rows} source ON ${on}) WHERE ${clause} <> 0`
}

/** Number of the first clause that takes the row, counted from 1 and given a sign; 0 when none does. */
function clauseNumber(clauses: readonly { when?: Sql | undefined }[], sign: 1 | -1): Sql {
  if (clauses.length === 0) return raw('CAST(0 AS TINYINT)')
  const cases = clauses.map(
    ({ when }, i) => sql`WHEN ${when === undefined ? raw('true') : sql`(${when})`} THEN ${integer(sign * (i + 1))}`,
  )
  return sql`CAST(CASE ${join(cases, ' ')} ELSE 0 END AS TINYINT)`
}

function matchCondition({ source }: Change): Sql {
  if (source === undefined) return raw('false')
  const equal = source.nullSafe === true ? raw('IS NOT DISTINCT FROM') : raw('=')
  const keys = source.keys.map(k => sql`${ident('target', k.target)} ${equal} ${ident('source', k.source)}`)
  return join(source.condition === undefined ? keys : [...keys, sql`(${source.condition})`], ' AND ')
}

async function countHits({ session, request, names, verdicts }: Verdicts): Promise<FileHits[]> {
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

function ambiguousQuery({ names: { file, row, clause }, verdicts }: Verdicts): Sql {
  return countOf(sql`SELECT 1 FROM ${verdicts} WHERE ${clause} > 0 GROUP BY ${file}, ${row} HAVING count(*) > 1`)
}

async function keptQuery(at: Verdicts, files: readonly AddFile[]): Promise<Sql> {
  const { request, names, verdicts } = at
  const { file, row, clause } = names
  return sql`SELECT ${columnNames(request)} FROM ${await scanTarget(at, files)} target \
ANTI JOIN (SELECT ${file}, ${row} FROM ${verdicts} WHERE ${clause} <> 0 AND ${inFiles(at, files)}) verdict USING (${file}, ${row})`
}

/** Each update clause by itself; the target is read only where a value comes from it. */
async function updatedQuery(at: Verdicts, files: readonly AddFile[]): Promise<Sql> {
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
async function changesQuery(at: Verdicts): Promise<Sql> {
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
async function* positions(at: Verdicts, files: readonly AddFile[]): ReturnType<Judgement<Sql>['positions']> {
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
function insertQuery({ request, names, source, verdicts }: Verdicts): Sql {
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

async function scanTarget({ session, request, names }: Judging, files: readonly AddFile[]): Promise<Sql> {
  const evolved = { ...request.snapshot, schema: request.schema }
  return sql`(${await session.scan(evolved, { files, withPlace: names.place })})`
}

function inFiles({ session, request, names }: Judging, files: readonly AddFile[]): Sql {
  return sql`${names.file} IN (${join(files.map(f => text(session.locate(request.snapshot, f.path))))})`
}

function columnNames(request: JudgeRequest<Sql, Sql>): Sql {
  return join(request.schema.fields.map(f => ident('target', f.name)))
}

function countOf(query: Sql): Sql {
  return sql`SELECT count(*) FROM (${query})`
}
