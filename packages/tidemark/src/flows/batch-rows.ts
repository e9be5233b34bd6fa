/**
 * The rows of a decided batch, and the relations its query reads. Both are fixed by the record: every attempt, in
 * whatever run, sees the same rows.
 */
import {
  type AddFile,
  addedFiles,
  type Commit,
  field,
  isAppendOnly,
  readCommits,
  readHistory,
  type Snapshot,
} from '@tidemark/delta'
import { FILE_COLUMN, ROW_COLUMN, type Session } from '../engine/engine.ts'
import { ident, integer, join, type Sql, sql, textList } from '../engine/sql.ts'
import type { CompiledQuery, Flow, TableName } from '../model/flow.ts'
import { findTableName } from '../model/names.ts'
import { type Added, addedBy, findCleaned, listPaths } from './cleaned.ts'
import { getSource } from './commit-table.ts'
import type { FlowContext } from './context.ts'
import type { BatchRecord } from './record.ts'
import { findField, type TypedQuery, typedQuery } from './schema-fit.ts'

export interface BatchRows extends TypedQuery {
  /** The source, when the batch is all of it. */
  whole: Snapshot | undefined
}

/** The streamed rows of a batch with the columns of the source at the batch's end. */
export async function batchRows(context: FlowContext, record: BatchRecord): Promise<BatchRows> {
  const { table, after, upTo } = record.source
  const source = await getSource(context, record.flow, table, upTo)
  if (after === undefined) return { query: await context.session.scan(source), schema: source.schema, whole: source }
  const { files } = await unread(context, record, source, { after, upTo })
  return { query: await context.session.scan(source, { files }), schema: source.schema, whole: undefined }
}

const FILE = ident(FILE_COLUMN)

/**
 * Like `batchRows`, with `_seq` on every row: where the source has none, the version of the commit that added the row
 * orders rows that tie. Rows that were moved since, and whose first files or commits are gone, come before all others.
 */
export async function orderedBatchRows(context: FlowContext, record: BatchRecord): Promise<TypedQuery> {
  const { table, after, upTo } = record.source
  const source = await getSource(context, record.flow, table, upTo)
  if (findField(source.schema, '_seq') !== undefined) return batchRows(context, record)
  const { added, files } =
    after === undefined ? await allAsAdded(context, source) : await unread(context, record, source, { after, upTo })
  const rows = await context.session.scan(source, { files, withPlace: true })
  return {
    query: sql`SELECT t.* EXCLUDE (${FILE}, ${ident(ROW_COLUMN)}), coalesce(v.version, 0) AS _seq \
FROM (${rows}) t LEFT JOIN ${versionsOf(context.session, source, added)} v ON v.file = t.${FILE}`,
    schema: { type: 'struct', fields: [...source.schema.fields, field('_seq', 'long')] },
  }
}

/** Everything that was added to a table, and the files to read it from where they are not those it has. */
async function allAsAdded(
  context: FlowContext,
  source: Snapshot,
): Promise<{ added: Added[]; files: AddFile[] | undefined }> {
  const range = { upTo: source.version, limit: Number.POSITIVE_INFINITY }
  const commits = (await readHistory(context.store, source.tablePath, range)).toReversed()
  return { added: addedBy(commits), files: await filesAsAdded(context, source, commits) }
}

/**
 * The files that came with the versions of a batch.
 *
 * @throws {FLOW_SOURCE_CLEANED} when one of them is gone
 */
async function unread(
  context: FlowContext,
  record: BatchRecord,
  source: Snapshot,
  range: { after: bigint; upTo: bigint },
): Promise<{ added: Added[]; files: AddFile[] }> {
  const added = addedBy(await readCommits(context.store, source.tablePath, range))
  const { flow, source: streamed } = record
  const gone = await findCleaned(context, { flow, table: streamed.table }, source, added)
  if (gone !== undefined) throw gone
  return { added, files: added.map(({ file }) => file) }
}

/**
 * The files in which all rows of a table came, when they are no longer those it has: OPTIMIZE puts rows of several commits
 * into one file. Undefined when they are, or when some of them or of the commits are gone.
 */
async function filesAsAdded(
  { store }: FlowContext,
  source: Snapshot,
  commits: readonly Commit[],
): Promise<AddFile[] | undefined> {
  const added = new Map(commits.flatMap(addedFiles).map(file => [file.path, file]))
  const isMoved = [...source.files.keys()].some(path => !added.has(path))
  if (!isMoved || commits[0]?.version !== 0n || !commits.every(isAppendOnly)) return undefined
  const there = await listPaths(store, source.tablePath)
  const isWhole = [...added.keys()].every(path => there.has(`${source.tablePath}/${path}`))
  return isWhole ? [...added.values()] : undefined
}

/** A relation of files, as the engine opens them, and the version that added each last. */
function versionsOf(session: Session, source: Snapshot, added: readonly Added[]): Sql {
  const versions = new Map(added.map(({ file, version }) => [session.locate(source, file.path), version]))
  const numbers = join([...versions.values()].map(integer))
  return sql`(SELECT unnest(CAST(${textList([...versions.keys()])} AS VARCHAR[])) AS file, \
unnest(CAST([${numbers}] AS BIGINT[])) AS version)`
}

/** A flow's query over its batch: the stream is the batch, other tables are as the record pinned them. */
export async function emitBatch(context: FlowContext, record: BatchRecord, query: CompiledQuery): Promise<TypedQuery> {
  const streamed = await batchRows(context, record)
  const relations = new Map<TableName, Sql>()
  for (const { table, version } of record.reads) {
    relations.set(table, await context.session.scan(await getSource(context, record.flow, table, version)))
  }
  relations.set(record.source.table, streamed.query)
  return typedQuery(
    await context.portable.emit(query, { relation: table => getRelation(record.flow, relations, table) }),
  )
}

/** A query over current snapshots. */
export async function emitOver(
  context: FlowContext,
  flow: Flow,
  query: CompiledQuery,
  inputs: ReadonlyMap<TableName, Snapshot>,
): Promise<TypedQuery> {
  const relations = new Map<TableName, Sql>()
  for (const [table, snapshot] of inputs) relations.set(table, await context.session.scan(snapshot))
  return typedQuery(await context.portable.emit(query, { relation: table => getRelation(flow, relations, table) }))
}

function getRelation(flow: Flow, relations: ReadonlyMap<TableName, Sql>, table: TableName): Sql {
  const known = findTableName(relations.keys(), table)
  const relation = known === undefined ? undefined : relations.get(known)
  if (relation === undefined) throw new TypeError(`this is a bug in tidemark: ${flow.name} was not given ${table}`)
  return sql`(${relation})`
}
