/** Every version bronze has of one key, with the run and the commit that brought each. */
import { addedFiles, type Commit, readHistory, type Snapshot } from '@tidemark/delta'
import { FILE_COLUMN, ROW_COLUMN, type Row, type Session } from '../../engine/engine.ts'
import { ident, join, type Sql, sql, text } from '../../engine/sql.ts'
import { toDuckType } from '../../engine/types.ts'
import { TRACE_KEY } from '../../errors/run.ts'
import { lakeColumnName, SYSTEM_COLUMNS } from '../../ingest/system-columns.ts'
import type { TracedVersion } from '../../model/trace.ts'
import type { TraceRequest } from './trace-key.ts'

export interface BronzeEntries {
  snapshot: Snapshot
  versions: readonly TracedVersion[]
  /** A temporary table of the entries, in the columns of bronze. */
  entries: Sql
}

/** Read the versions of a key, oldest first. */
export async function traceBronze(
  { lake, session, signal }: TraceRequest & { session: Session },
  { snapshot, key }: { snapshot: Snapshot; key: ReadonlyMap<string, string> },
): Promise<BronzeEntries> {
  const conditions = await Promise.all([...key].map(([column, value]) => equals(session, snapshot, column, value)))
  const found = ident(session.temporaryName('traced'))
  const rows = await session.scan(snapshot, { withPlace: true })
  await session.run(
    sql`CREATE TEMP TABLE ${found} AS SELECT * FROM (${rows}) WHERE ${join(conditions, ' AND ')}`,
    signal,
  )
  const entries = sql`(SELECT * EXCLUDE (${ident(FILE_COLUMN)}, ${ident(ROW_COLUMN)}) FROM ${found})`
  const read = await session.rows(sql`SELECT * FROM ${found} ORDER BY _seq, _op`, signal)
  const limit = Number.POSITIVE_INFINITY
  const { tablePath, version: upTo } = snapshot
  const commits = read.length === 0 ? [] : await readHistory(lake.store, tablePath, { upTo, limit })
  return { snapshot, entries, versions: read.map(row => toVersion(row, commitOf(session, snapshot, commits, row))) }
}

/** The key column compared with what was written, in the column's own type. */
async function equals(session: Session, snapshot: Snapshot, column: string, value: string): Promise<Sql> {
  const name = lakeColumnName(column)
  const type = snapshot.schema.fields.find(field => field.name === name)?.type
  if (type === undefined) throw TRACE_KEY({ table: snapshot.tablePath, reason: `it has no column ${name}` })
  const typed = sql`TRY_CAST(${text(value)} AS ${toDuckType(type)})`
  const [row] = await session.rows(sql`SELECT ${typed} IS NOT NULL AS fits`)
  if (row?.['fits'] !== true) {
    throw TRACE_KEY({ table: snapshot.tablePath, reason: `${name} is ${String(type)}, which '${value}' is not` })
  }
  return sql`${ident(name)} = ${typed}`
}

/**
 * The commit that brought a row: of its run, and naming its file where the file is still as it came. OPTIMIZE puts rows
 * of several commits into one file; then the only commit of that run is it.
 */
function commitOf(session: Session, snapshot: Snapshot, commits: readonly Commit[], row: Row): bigint | undefined {
  const own = commits.filter(({ commitInfo }) => commitInfo?.['runId'] === row['_run_id'])
  const file = row[FILE_COLUMN]
  const named = own.find(commit => addedFiles(commit).some(({ path }) => session.locate(snapshot, path) === file))
  if (named !== undefined) return named.version
  const writing = own.filter(commit => addedFiles(commit).length > 0 && commit.commitInfo?.operation !== 'OPTIMIZE')
  return writing.length === 1 ? writing[0]?.version : undefined
}

const OURS: ReadonlySet<string> = new Set([...SYSTEM_COLUMNS.map(({ name }) => name), FILE_COLUMN, ROW_COLUMN])

function toVersion(row: Row, commit: bigint | undefined): TracedVersion {
  return {
    seq: BigInt(String(row['_seq'])),
    op: String(row['_op']),
    commit,
    runId: String(row['_run_id']),
    asOf: String(row['_ingested_at']).replace(' ', 'T').replace(/\+00$/, 'Z'),
    decision: undefined,
    rejectedBy: [],
    rules: [],
    row: Object.fromEntries(Object.entries(row).filter(([name]) => !OURS.has(name))),
  }
}
