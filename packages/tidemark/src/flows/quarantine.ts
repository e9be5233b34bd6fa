/**
 * Quarantine: rejected rows, kept with the reason. The table follows the rows it holds; each batch is put there once,
 * before the target's commit, so no row is ever neither here nor there.
 */
import {
  type DataType,
  field,
  printType,
  type StructField,
  type StructType,
  stageAppend,
  stageReplaceKeys,
  writeOptionsFor,
} from '@tidemark/delta'
import { ident, integer, join, type Sql, sql, text } from '../engine/sql.ts'
import { toDuckType } from '../engine/types.ts'
import type { Flow, TableName } from '../model/flow.ts'
import { splitTableName, tableName, tablePath } from '../model/names.ts'
import { commitTable, ensureTable, readTable } from './commit-table.ts'
import type { FlowContext } from './context.ts'
import { ruleHash } from './expect.ts'
import { sessionParquet, sessionRelations } from '../engine/relations.ts'
import { portableChecker } from './row-checker.ts'
import { findField, fitRows, followSchema, structOf, type TypedQuery } from './schema-fit.ts'

/** What quarantine adds to a rejected row. */
const FACTS: readonly StructField[] = [
  field('_rules', 'string', { comment: 'names of the rules the row broke, comma separated' }),
  field('_rule_hash', 'string', { comment: 'version of the flow’s rules' }),
  field('_flow', 'string'),
  field('_batch', 'long', { comment: 'batch of the flow; 0 where the whole table is computed at once' }),
  field('_reason', 'string', { comment: 'expectation, null key or null sequence' }),
  field('_run_id', 'string'),
]

/** `silver.DimUser` keeps its rejected rows in `quarantine.silver_DimUser`. */
export function quarantineName(target: TableName): TableName {
  const { schema, table } = splitTableName(target)
  return tableName('quarantine', `${schema}_${table}`)
}

export interface Rejects {
  flow: Flow
  /** A judged temporary table. */
  judged: Sql
  rejected: bigint
  /** The columns of the rejected row to keep. */
  schema: StructType
  batch: bigint
  /** Set for batches: the commit carries it, and a commit that is there already is not made again. */
  appId: string | undefined
  /** What the flow rejected before is replaced: rebuilt and whole tables. */
  replace: boolean
}

/** Put a flow's rejected rows aside; does nothing when there are none to add or replace. */
export async function quarantine(context: FlowContext, rejects: Rejects): Promise<void> {
  const name = quarantineName(rejects.flow.target)
  const known = await readTable(context, name)
  if (rejects.rejected === 0n && (known === undefined || !rejects.replace)) return
  const current = known?.schema ?? structOf([])
  const rows = factRows(context, rejects, current)
  const flow: Flow = { ...rejects.flow, target: name }
  const start = await ensureTable(context, flow, { path: tablePath(name), name, schema: rows.schema })
  await commitTable(context, flow, start, async snapshot => {
    const { appId, batch } = rejects
    if (appId !== undefined && (snapshot.txn(appId) ?? -1n) >= batch) return undefined
    const fitted = factRows(context, rejects, snapshot.schema)
    const schema = followSchema(flow, snapshot, fitted.schema)
    const query = fitRows(fitted, schema)
    const commitParts = {
      schema,
      info: { operation: 'WRITE', operationParameters: { mode: 'Append' }, runId: context.runId },
      ...(appId === undefined ? {} : { txn: [{ appId, version: batch }] }),
    }
    if (rejects.replace) {
      return stageReplaceKeys<Sql, Sql>({
        ports: context,
        checker: portableChecker(context.session, context.portable),
        snapshot,
        keys: sql`SELECT ${text(flow.name)} AS _flow`,
        keyColumns: ['_flow'],
        rows: query,
        parquet: sessionParquet(context.session),
        relations: sessionRelations(context.session, context.signal),
        ...commitParts,
      })
    }
    const files = await sessionParquet(context.session).write(query, {
      ...writeOptionsFor(snapshot, schema),
      signal: context.signal,
    })
    return stageAppend(snapshot, { files, ...commitParts })
  })
}

/** The rejected rows with the facts; a column whose type differs from the table's goes beside it under another name. */
function factRows(context: FlowContext, rejects: Rejects, current: StructType): TypedQuery {
  const facts = new Set(FACTS.map(f => f.name))
  const kept = rejects.schema.fields.filter(f => !facts.has(f.name.toLowerCase()))
  const renamed = kept.map(f => ({ from: f.name, to: field(freeName(f, current), f.type) }))
  const columns = renamed.map(c => sql`CAST(${ident(c.from)} AS ${toDuckType(c.to.type)}) AS ${ident(c.to.name)}`)
  const { flow, batch } = rejects
  return {
    query: sql`SELECT ${join([...columns, sql`__rules AS _rules`])}, ${text(ruleHash(flow.expectations))} AS _rule_hash, \
${text(flow.name)} AS _flow, CAST(${integer(batch)} AS BIGINT) AS _batch, __reason AS _reason, \
${text(context.runId)} AS _run_id FROM ${rejects.judged} WHERE __reason IS NOT NULL`,
    schema: structOf([...renamed.map(c => c.to), ...FACTS]),
  }
}

function freeName(column: StructField, current: StructType): string {
  const known = findField(current, column.name)
  if (known === undefined || sameType(known.type, column.type)) return known?.name ?? column.name
  return `${column.name}__${printType(column.type).replaceAll(/[^a-z0-9]+/gi, '_')}`
}

function sameType(a: DataType, b: DataType): boolean {
  return printType(a) === printType(b)
}
