/**
 * Tombstones: the deletes AUTO CDC has seen, kept beside the target so that a late event knows of them.
 * `system/tombstones/<target>`: the key, `__SEQUENCE`, `_seq`, and `__END_AT` for deletes found by a key scan.
 */
import {
  field,
  replacedSchema,
  type Snapshot,
  type StructField,
  type StructType,
  stageOverwrite,
  stageReplaceKeys,
  writeOptionsFor,
} from '@tidemark/delta'
import { type Sql, sql } from '../engine/sql.ts'
import type { AutoCdcFlow } from '../model/flow.ts'
import { fileSafeName } from '../model/names.ts'
import { commitTable, ensureTable } from './commit-table.ts'
import type { FlowContext } from './context.ts'
import { generationDomain, generationOf } from '../ingest/generation.ts'
import { appIdOf, type BatchRecord } from './record.ts'
import { columnList, sessionParquet, sessionRelations } from '../engine/relations.ts'
import { portableChecker } from './row-checker.ts'
import { followSchema, structOf } from './schema-fit.ts'

export interface Tombstones {
  snapshot: Snapshot
  schema: StructType
  /** Nothing, when those that are there belong to an earlier generation of the target. */
  rows: Sql
}

function tombstoneSchema(keys: readonly StructField[], sequence: StructField): StructType {
  const at = (name: string): StructField => field(name, sequence.type)
  return structOf([...keys, at('__SEQUENCE'), field('_seq', 'long'), at('__END_AT')])
}

/** Open a target's tombstones as a batch sees them; the table is made when it is not there. */
export async function openTombstones(
  context: FlowContext,
  record: BatchRecord,
  flow: AutoCdcFlow,
  columns: { keys: readonly StructField[]; sequence: StructField },
): Promise<Tombstones> {
  const path = `system/tombstones/${fileSafeName(flow.target)}`
  const schema = tombstoneSchema(columns.keys, columns.sequence)
  const snapshot = await ensureTable(context, flow, { path, name: flow.target, schema })
  const stale = generationOf(snapshot).generation < record.generation
  const rows = await context.session.scan({ ...snapshot, schema }, stale ? { files: [] } : {})
  return { snapshot, schema, rows }
}

/**
 * Replace the tombstones of the touched keys, once for each batch. Comes before the target's commit; doing it again
 * after a crash gives the same, because folding a delete twice is folding it once.
 */
export async function replaceTombstones(
  context: FlowContext,
  record: BatchRecord,
  tombstones: Tombstones,
  change: { keys: Sql; keyColumns: readonly string[]; rows: Sql },
): Promise<void> {
  const { session, signal } = context
  const txn = { appId: appIdOf(record), version: record.batch }
  await commitTable(context, record.flow, tombstones.snapshot, async snapshot => {
    const { generation } = generationOf(snapshot)
    if (generation > record.generation || (snapshot.txn(txn.appId) ?? -1n) >= txn.version) return undefined
    const info = { operation: 'MERGE', runId: context.runId }
    const parquet = sessionParquet(session)
    if (generation < record.generation) {
      const schema = replacedSchema(snapshot, tombstones.schema)
      const target = writeOptionsFor(snapshot, schema)
      const files = await parquet.write(change.rows, { ...target, signal })
      const domains = [generationDomain(record.generation, context.runId)]
      return stageOverwrite(snapshot, { files, schema, txn: [txn], domains, info })
    }
    const schema = followSchema(record.flow, snapshot, tombstones.schema)
    const before = sql`SELECT 1 FROM (${await session.scan(snapshot)}) t SEMI JOIN (${change.keys}) k USING (${columnList(change.keyColumns)})`
    const differing = sql`SELECT count(*) FROM (${before} UNION ALL SELECT 1 FROM (${change.rows}))`
    if ((await session.count(differing, signal)) === 0n) return undefined
    const relations = sessionRelations(session, signal)
    const keyColumns = [...change.keyColumns]
    return stageReplaceKeys<Sql, Sql>({
      ports: context,
      checker: portableChecker(context.session, context.portable),
      snapshot,
      keys: change.keys,
      keyColumns,
      rows: change.rows,
      parquet,
      relations,
      schema,
      txn: [txn],
      info,
    })
  })
}
