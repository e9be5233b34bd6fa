/**
 * The first phase of a change on DuckDB: which rows of some files are updated or deleted, by which clause, and because
 * of which row of the source. The verdicts lie in a temporary table; everything else is a query over it.
 */
import type {
  AddFile,
  Assignments,
  FileHits,
  InsertClause,
  JudgeRequest,
  Judgement,
  RowChange,
  TargetClause,
} from '@tidemark/delta'
import { FILE_COLUMN, ROW_COLUMN, type Session } from './engine.ts'
import { ident, integer, join, raw, type Sql, sql, text } from './sql.ts'

type Change = RowChange<Sql, Sql>

const FILE = ident(FILE_COLUMN)
const PLACE = sql`${FILE}, ${ident(ROW_COLUMN)}`
/** Number of the source's row; by it updates and inserts find their values again. */
const SOURCE = ident('_tidemark_source')
/** Number of the clause that takes a row; 0 for a row that matched and that none takes. */
const CLAUSE = ident('_tidemark_clause')

/** Where the verdicts lie: place, `SOURCE` (NULL where nothing matched) and `CLAUSE`. */
interface Verdicts {
  session: Session
  request: JudgeRequest<Sql, Sql>
  /** Temporary table with the source's rows; undefined when none are needed after the first phase. */
  source: Sql | undefined
  verdicts: Sql
}

/** Judge every row of the files. The result's temporary tables live until it is disposed of. */
export async function judge(session: Session, request: JudgeRequest<Sql, Sql>): Promise<Judgement<Sql>> {
  const { change, signal } = request
  const source = await keepSource(session, request)
  const verdicts = ident(session.temporaryName('verdicts'))
  await session.run(sql`CREATE TEMP TABLE ${verdicts} AS ${await verdictQuery(session, request, source)}`, signal)
  const at: Verdicts = { session, request, source, verdicts }
  return {
    hits: await countHits(at),
    insertCount: (change.notMatched ?? []).length === 0 ? 0n : await session.count(countOf(insertQuery(at)), signal),
    ambiguousCount: isRepeatable(change) ? 0n : await session.count(ambiguousQuery(verdicts), signal),
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

/** True when it does not matter how often a row is matched: it is deleted, whatever matches it. */
function isRepeatable({ matched = [], notMatched = [] }: Change): boolean {
  const [only] = matched
  return matched.length === 1 && notMatched.length === 0 && only?.kind === 'delete' && only.when === undefined
}

/** The source is read more than once unless all it does is delete what it matches. */
async function keepSource(session: Session, { change, signal }: JudgeRequest<Sql, Sql>): Promise<Sql | undefined> {
  const { source, notMatchedBySource = [] } = change
  if (source === undefined || (isRepeatable(change) && notMatchedBySource.length === 0)) return undefined
  const table = ident(session.temporaryName('source'))
  await session.run(
    sql`CREATE TEMP TABLE ${table} AS SELECT *, row_number() OVER () AS ${SOURCE} FROM (${source.rows})`,
    signal,
  )
  return table
}

/** One row for each pair that matched, and one for each unmatched row of the target that a clause takes. */
async function verdictQuery(session: Session, request: JudgeRequest<Sql, Sql>, kept: Sql | undefined): Promise<Sql> {
  const { change, files } = request
  const { source, matched = [], notMatchedBySource = [] } = change
  const target = await scanTarget(session, request, files)
  const noSource = sql`CAST(NULL AS BIGINT) AS ${SOURCE}`
  const byItself = sql`SELECT ${PLACE}, ${noSource}, ${clauseNumber(notMatchedBySource, -1)} AS ${CLAUSE} FROM ${target} target`
  if (source === undefined) return sql`SELECT * FROM (${byItself}) WHERE ${CLAUSE} <> 0`
  const rows = kept ?? sql`(${source.rows})`
  const on = matchCondition(change)
  const pairs = isRepeatable(change)
    ? sql`SELECT ${PLACE}, ${noSource}, CAST(1 AS TINYINT) AS ${CLAUSE} FROM ${target} target SEMI JOIN ${rows} source ON ${on}`
    : sql`SELECT ${PLACE}, source.${SOURCE}, ${clauseNumber(matched, 1)} AS ${CLAUSE} \
FROM ${target} target JOIN ${rows} source ON ${on}`
  if (notMatchedBySource.length === 0) return pairs
  return sql`${pairs} UNION ALL SELECT * FROM (${byItself} ANTI JOIN ${rows} source ON ${on}) WHERE ${CLAUSE} <> 0`
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

async function countHits({ session, request, verdicts }: Verdicts): Promise<FileHits[]> {
  const updates = updateNumbers(request.change)
  const isUpdate =
    updates.length === 0 ? raw('false') : sql`${CLAUSE} IN (${join(updates.map(u => integer(u.number)))})`
  const rows = await session.rows(
    sql`SELECT ${FILE} AS file, count(*) FILTER (${isUpdate}) AS updates, count(*) FILTER (NOT ${isUpdate}) AS deletes \
FROM ${verdicts} WHERE ${CLAUSE} <> 0 GROUP BY ${FILE}`,
    request.signal,
  )
  const paths = new Map(request.files.map(f => [session.locate(request.snapshot, f.path), f.path]))
  return rows.map(row => ({
    path: paths.get(String(row['file'])) ?? '',
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

function ambiguousQuery(verdicts: Sql): Sql {
  return countOf(sql`SELECT 1 FROM ${verdicts} WHERE ${CLAUSE} > 0 GROUP BY ${PLACE} HAVING count(*) > 1`)
}

async function keptQuery(at: Verdicts, files: readonly AddFile[]): Promise<Sql> {
  const { session, request, verdicts } = at
  const names = columnNames(request)
  return sql`SELECT ${names} FROM ${await scanTarget(session, request, files)} target \
ANTI JOIN (SELECT ${PLACE} FROM ${verdicts} WHERE ${CLAUSE} <> 0 AND ${inFiles(at, files)}) verdict USING (${PLACE})`
}

/** Each update clause by itself; the target is read only where a value comes from it. */
async function updatedQuery(at: Verdicts, files: readonly AddFile[]): Promise<Sql> {
  const { session, request, source, verdicts } = at
  const updates = updateNumbers(request.change)
  const scanned = updates.some(u => readsTarget(request, u)) ? await scanTarget(session, request, files) : raw('')
  const parts = updates.map(update => {
    const { number, clause } = update
    const hits = sql`(SELECT * FROM ${verdicts} WHERE ${CLAUSE} = ${integer(number)} AND ${inFiles(at, files)}) verdict`
    const target = readsTarget(request, update) ? sql` JOIN ${scanned} target USING (${PLACE})` : raw('')
    const from =
      number > 0 && source !== undefined ? sql` JOIN ${source} source ON source.${SOURCE} = verdict.${SOURCE}` : raw('')
    const values = request.schema.fields.map(({ name }) => assigned(clause.set, name, ident('target', name)))
    return sql`SELECT ${join(values)} FROM ${hits}${target}${from}`
  })
  return join(parts, ' UNION ALL ')
}

function readsTarget({ schema }: JudgeRequest<Sql, Sql>, { clause }: Update): boolean {
  return schema.fields.some(f => !('source' in (clause.set.get(f.name) ?? {})))
}

/** Old versions of the changed rows, the new ones, and what is inserted. */
async function changesQuery(at: Verdicts): Promise<Sql> {
  const { session, request, verdicts } = at
  const paths = [...request.files]
  const updates = updateNumbers(request.change).map(({ number }) => integer(number))
  const type =
    updates.length === 0
      ? text('delete')
      : sql`CASE WHEN ${CLAUSE} IN (${join(updates)}) THEN 'update_preimage' ELSE 'delete' END`
  const parts = [
    sql`SELECT ${columnNames(request)}, ${type} AS _change_type FROM ${await scanTarget(session, request, paths)} target \
JOIN (SELECT * FROM ${verdicts} WHERE ${CLAUSE} <> 0) verdict USING (${PLACE})`,
  ]
  if (updates.length > 0) parts.push(sql`SELECT *, 'update_postimage' FROM (${await updatedQuery(at, paths)})`)
  if ((request.change.notMatched ?? []).length > 0) parts.push(sql`SELECT *, 'insert' FROM (${insertQuery(at)})`)
  return join(parts, ' UNION ALL ')
}

async function* positions(
  { session, request, verdicts }: Verdicts,
  files: readonly AddFile[],
): AsyncGenerator<{ path: string; rows: readonly number[] }> {
  for (const file of files) {
    const place = text(session.locate(request.snapshot, file.path))
    const query = sql`SELECT ${ident(ROW_COLUMN)} FROM ${verdicts} WHERE ${CLAUSE} <> 0 AND ${FILE} = ${place}`
    for await (const [rows = []] of session.batches(query, request.signal))
      yield { path: file.path, rows: rows.map(Number) }
  }
}

function assigned(values: Assignments<Sql>, column: string, otherwise: Sql): Sql {
  const value = values.get(column)
  if (value === undefined) return sql`${otherwise} AS ${ident(column)}`
  return sql`${'source' in value ? ident('source', value.source) : sql`(${value.expression})`} AS ${ident(column)}`
}

/** Rows of the source that matched nothing, each by the first clause that takes it. */
function insertQuery({ request, source, verdicts }: Verdicts): Sql {
  const clauses = request.change.notMatched ?? []
  if (source === undefined) throw new TypeError('this is a bug in tidemark: an insert without a source')
  const unmatched = sql`SELECT source.*, ${clauseNumber(clauses, 1)} AS ${CLAUSE} FROM ${source} source \
ANTI JOIN (SELECT ${SOURCE} FROM ${verdicts} WHERE ${SOURCE} IS NOT NULL) verdict ON source.${SOURCE} = verdict.${SOURCE}`
  const parts = clauses.map((clause, i) => insertPart(request, clause, sql`${unmatched}`, i + 1))
  return join(parts, ' UNION ALL ')
}

function insertPart(request: JudgeRequest<Sql, Sql>, clause: InsertClause<Sql>, unmatched: Sql, number: number): Sql {
  const values = request.schema.fields.map(({ name }) => assigned(clause.values, name, raw('NULL')))
  return sql`SELECT ${join(values)} FROM (${unmatched}) source WHERE ${CLAUSE} = ${integer(number)}`
}

async function scanTarget(session: Session, request: JudgeRequest<Sql, Sql>, files: readonly AddFile[]): Promise<Sql> {
  const evolved = { ...request.snapshot, schema: request.schema }
  return sql`(${await session.scan(evolved, { files, withPlace: true })})`
}

function inFiles({ session, request }: Verdicts, files: readonly AddFile[]): Sql {
  return sql`${FILE} IN (${join(files.map(f => text(session.locate(request.snapshot, f.path))))})`
}

function columnNames(request: JudgeRequest<Sql, Sql>): Sql {
  return join(request.schema.fields.map(f => ident('target', f.name)))
}

function countOf(query: Sql): Sql {
  return sql`SELECT count(*) FROM (${query})`
}
