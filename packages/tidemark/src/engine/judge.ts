/**
 * The first phase of a change on DuckDB: which rows of some files are updated or deleted, by which clause, and because
 * of which row of the source. The verdicts lie in a temporary table; everything else is a query over it.
 */
import type { JudgeRequest, Judgement } from '@tidemark/delta'
import { FILE_COLUMN, ROW_COLUMN, type Session } from './engine.ts'
import { freeName } from './free-name.ts'
import { ident, join, raw, type Sql, sql } from './sql.ts'
import {
  ambiguousQuery,
  type Change,
  changesQuery,
  clauseNumber,
  countHits,
  countOf,
  insertQuery,
  type Judging,
  keptQuery,
  type Names,
  positions,
  scanTarget,
  updatedQuery,
  type Verdicts,
} from './verdicts.ts'

/**
 * Judge every row of the files. The result's temporary tables live until it is disposed of.
 *
 * @param found of a change that does nothing but delete what it matches: `FILE_COLUMN` and `ROW_COLUMN` of all these rows in
 *   the version that is changed, found before and kept; nothing is looked for again
 */
export async function judge(session: Session, request: JudgeRequest<Sql, Sql>, found?: Sql): Promise<Judgement<Sql>> {
  const { change, signal } = request
  const judging: Judging = { session, request, names: await chooseNames(session, request) }
  const source = await keepSource(judging)
  const verdicts = found === undefined ? await keepVerdicts(judging, source) : foundVerdicts(judging, found)
  const dropped = [...(found === undefined ? [verdicts] : []), ...(source === undefined ? [] : [source])]
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
      for (const table of dropped) await session.run(sql`DROP TABLE IF EXISTS ${table}`)
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

async function keepVerdicts(judging: Judging, source: Sql | undefined): Promise<Sql> {
  const { session, request } = judging
  const verdicts = ident(session.temporaryName('verdicts'))
  await session.run(sql`CREATE TEMP TABLE ${verdicts} AS ${await verdictQuery(judging, source)}`, request.signal)
  return verdicts
}

/** The verdict over rows that are deleted, and that somebody found before. */
function foundVerdicts({ request: { change }, names }: Judging, found: Sql): Sql {
  const { notMatched = [], notMatchedBySource = [] } = change
  if (!isRepeatable(change) || notMatched.length > 0 || notMatchedBySource.length > 0)
    throw new TypeError('this is a bug in tidemark: rows were found for a change that does more than delete them')
  return sql`(SELECT ${ident(FILE_COLUMN)} AS ${names.file}, ${ident(ROW_COLUMN)} AS ${names.row}, \
CAST(NULL AS BIGINT) AS ${names.source}, CAST(1 AS TINYINT) AS ${names.clause} FROM ${found})`
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

function matchCondition({ source }: Change): Sql {
  if (source === undefined) return raw('false')
  const equal = source.nullSafe === true ? raw('IS NOT DISTINCT FROM') : raw('=')
  const keys = source.keys.map(k => sql`${ident('target', k.target)} ${equal} ${ident('source', k.source)}`)
  return join(source.condition === undefined ? keys : [...keys, sql`(${source.condition})`], ' AND ')
}
