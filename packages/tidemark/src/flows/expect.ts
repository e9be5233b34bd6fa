/**
 * Expectations: rows are judged before anything becomes visible. A row passes only where the expression is TRUE; NULL
 * is a failure. Rules without an action count, DROP ROW keeps the row aside, FAIL UPDATE stops the flow.
 */
import { createHash } from 'node:crypto'
import type { StructField } from '@tidemark/delta'
import { ident, join, raw, type Sql, sql, text } from '../engine/sql.ts'
import { FLOW_EXPECTATION_FAILED } from '../errors/flow-run.ts'
import type { Flow } from '../model/flow.ts'
import type { Expectation } from '../model/project.ts'
import { type FlowContext, keepRows } from './context.ts'
import { columnList } from '../engine/relations.ts'
import { expressionColumns } from './schema-fit.ts'

export type RejectReason = 'null key' | 'null sequence' | 'expectation'

export interface Judgement {
  /** The rows to judge; columns with names beginning `__` are ours. */
  rows: Sql
  /** Columns that rules may name. */
  columns: readonly StructField[]
  /** Shown when a rule stops the flow. */
  keys: readonly string[]
  /** Rows for which this is false pass unseen, such as deletes. */
  judged: Sql
  /** Reasons beside the rules, strongest first. */
  reasons: readonly { reason: RejectReason; when: Sql }[]
}

export interface Judged {
  /**
   * Temporary table: the rows with `__row` (unique number), `__reason` (NULL when the row passes), `__rules` (broken
   * DROP ROW rules, comma separated).
   */
  table: Sql
  read: bigint
  rejected: bigint
  /** Rows that pass and break at least one rule without an action. */
  warned: bigint
  warnings: readonly string[]
}

/** Identifies the set of rules that judged a row. */
export function ruleHash(expectations: readonly Expectation[]): string {
  const canonical = expectations.map(({ name, expression, onViolation }) => [name, expression, onViolation])
  return createHash('sha256').update(JSON.stringify(canonical)).digest('hex').slice(0, 16)
}

/**
 * Judge rows by a flow's rules and keep the result for the session.
 * @throws {FLOW_EXPECTATION_FAILED} when a FAIL UPDATE rule is broken; its `state` shows up to five keys
 */
export async function judge(context: FlowContext, flow: Flow, judgement: Judgement): Promise<Judged> {
  const { rows, columns, judged, reasons } = judgement
  const broken = async (action: Expectation['onViolation']): Promise<Sql> => {
    const rules = flow.expectations.filter(e => e.onViolation === action)
    return brokenRules(await Promise.all(rules.map(rule => compile(context, flow, rule, columns))), judged)
  }
  const reason = join(
    reasons.map(r => sql`WHEN ${r.when} THEN ${text(r.reason)} `),
    '',
  )
  const table = await keepRows(
    context,
    'judged',
    sql`SELECT *, CASE ${reason}WHEN __rules IS NOT NULL THEN 'expectation' END AS __reason FROM (\
SELECT *, CAST(row_number() OVER () AS BIGINT) AS __row, ${await broken('drop')} AS __rules, \
${await broken('warn')} AS __warned, ${await broken('fail')} AS __failed FROM (${rows}))`,
  )
  await stopOnFailure(context, flow, judgement, table)
  const [counts] = await context.session.rows(
    sql`SELECT count(*) AS read, count(*) FILTER (__reason IS NOT NULL) AS rejected, \
count(*) FILTER (__warned IS NOT NULL AND __reason IS NULL) AS warned FROM ${table}`,
    context.signal,
  )
  const warned = BigInt(String(counts?.['warned']))
  return {
    table,
    read: BigInt(String(counts?.['read'])),
    rejected: BigInt(String(counts?.['rejected'])),
    warned,
    warnings: warned === 0n ? [] : await describeWarnings(context, table),
  }
}

interface Rule {
  name: string
  condition: Sql
}

async function compile(
  context: FlowContext,
  flow: Flow,
  rule: Expectation,
  columns: readonly StructField[],
): Promise<Rule> {
  const place = rule.place ?? { file: flow.target, line: 1, column: 1 }
  const options = { columns: expressionColumns(columns), result: 'condition' as const }
  return { name: rule.name, condition: await context.portable.emitExpression(rule.expression, place, options) }
}

/** Names of the broken rules, comma separated, or NULL. */
function brokenRules(rules: readonly Rule[], judged: Sql): Sql {
  if (rules.length === 0) return raw('CAST(NULL AS VARCHAR)')
  const names = rules.map(rule => sql`CASE WHEN (${rule.condition}) IS NOT TRUE THEN ${text(rule.name)} END`)
  return sql`CASE WHEN ${judged} THEN nullif(concat_ws(',', ${join(names)}), '') END`
}

async function stopOnFailure(context: FlowContext, flow: Flow, judgement: Judgement, table: Sql): Promise<void> {
  if (!flow.expectations.some(e => e.onViolation === 'fail')) return
  const failed = sql`FROM ${table} WHERE __failed IS NOT NULL`
  const rows = await context.session.count(sql`SELECT count(*) ${failed}`, context.signal)
  if (rows === 0n) return
  const [first] = await context.session.rows(sql`SELECT __failed ${failed} ORDER BY __row LIMIT 1`, context.signal)
  const shown = judgement.keys.length > 0 ? judgement.keys : judgement.columns.slice(0, 3).map(f => f.name)
  const found = await context.session.rows(
    sql`SELECT ${columnList(shown)} ${failed} ORDER BY ${columnList(shown)} LIMIT 5`,
    context.signal,
  )
  const keys = found.map(row => shown.map(name => `${name} = ${String(row[name] ?? null)}`).join(', ')).join('; ')
  const rule = String(first?.['__failed'])
  throw FLOW_EXPECTATION_FAILED(
    { flow: flow.name, table: flow.target, rule, rows },
    {
      place: flow.expectations.find(e => e.onViolation === 'fail' && rule.split(',').includes(e.name))?.place,
      state: `${flow.target} is unchanged. Rows that break it: ${keys}${rows > 5n ? '; …' : ''}.`,
    },
  )
}

async function describeWarnings(context: FlowContext, table: Sql): Promise<string[]> {
  const rule = ident('rule')
  const rows = await context.session.rows(
    sql`SELECT ${rule}, count(*) AS n FROM (SELECT unnest(string_split(__warned, ',')) AS ${rule} FROM ${table} \
WHERE __warned IS NOT NULL AND __reason IS NULL) GROUP BY ${rule} ORDER BY ${rule}`,
    context.signal,
  )
  return rows.map(row => `${String(row['n'])} rows break the rule ${String(row['rule'])}`)
}
