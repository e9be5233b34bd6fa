/**
 * Expectations: rows are judged before anything becomes visible. A row passes only where the expression is TRUE; NULL
 * is a failure. Rules without an action count, DROP ROW keeps the row aside, FAIL UPDATE stops the flow.
 */
import { createHash } from 'node:crypto'
import type { StructField } from '@tidemark/delta'
import { ident, integer, join, raw, type Sql, sql, text } from '../engine/sql.ts'
import { FLOW_EXPECTATION_FAILED } from '../errors/flow-run.ts'
import type { Flow } from '../model/flow.ts'
import type { Expectation } from '../model/project.ts'
import { type FlowContext, keepRows } from './context.ts'
import { columnList } from '../engine/relations.ts'
import { expressionColumns } from './schema-fit.ts'
import { rowsThat } from '../errors/row-count.ts'

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

/** What the rules say of rows, as a query: nothing is computed before somebody reads it. */
export interface JudgedRows {
  /**
   * A relation: the rows with `__reason` (NULL when the row passes) and `__rules` (broken DROP ROW rules, comma
   * separated).
   */
  relation: Sql
  rules: readonly Rule[]
  /** A rule depends on the time at which it is computed, so reading twice may give two answers. */
  volatile: boolean
}

/** How many rows were judged, and how. */
export interface Verdict {
  read: bigint
  rejected: bigint
  /** Rows that pass without having been judged, such as deletes. */
  unjudged: bigint
  /** Rows that pass and break at least one rule without an action. */
  warned: bigint
  warnings: readonly string[]
}

export interface Judged extends Verdict {
  /** Temporary table: the judged rows with `__row`, a unique number. */
  table: Sql
}

interface Rule {
  name: string
  action: Expectation['onViolation']
  condition: Sql
}

/** Identifies the set of rules that judged a row. */
export function ruleHash(expectations: readonly Expectation[]): string {
  const canonical = expectations.map(({ name, expression, onViolation }) => [name, expression, onViolation])
  return createHash('sha256').update(JSON.stringify(canonical)).digest('hex').slice(0, 16)
}

/** Judge rows by a flow's rules, as a query. */
export async function judgeRows(
  context: Pick<FlowContext, 'portable'>,
  flow: Flow,
  judgement: Judgement,
): Promise<JudgedRows> {
  const { rows, columns, judged, reasons } = judgement
  let volatile = false
  const onVolatile = (): void => void (volatile = true)
  const rules = await Promise.all(flow.expectations.map(rule => compile(context, flow, rule, { columns, onVolatile })))
  const broken = (action: Rule['action']): Sql =>
    brokenRules(
      rules.filter(rule => rule.action === action),
      judged,
    )
  const reason = join(
    reasons.map(r => sql`WHEN ${r.when} THEN ${text(r.reason)} `),
    '',
  )
  const relation = sql`(SELECT *, CASE ${reason}WHEN __rules IS NOT NULL THEN 'expectation' END AS __reason FROM (\
SELECT *, ${broken('drop')} AS __rules, ${broken('warn')} AS __warned, ${broken('fail')} AS __failed FROM (${rows})))`
  return { relation, rules, volatile }
}

/**
 * Judge rows and keep the result for the session.
 * @throws {FLOW_EXPECTATION_FAILED} when a FAIL UPDATE rule is broken; its `state` shows up to five keys
 */
export async function judge(context: FlowContext, flow: Flow, judgement: Judgement): Promise<Judged> {
  return keepJudged(context, flow, judgement, await judgeRows(context, flow, judgement))
}

/** Compute judged rows once and keep them for the session. Throws like `judge`. */
export async function keepJudged(
  context: FlowContext,
  flow: Flow,
  judgement: Judgement,
  rows: JudgedRows,
): Promise<Judged> {
  const numbered = sql`SELECT *, CAST(row_number() OVER () AS BIGINT) AS __row FROM ${rows.relation}`
  const table = await keepRows(context, 'judged', numbered)
  return { table, ...(await countJudged(context, flow, judgement, { ...rows, relation: table })) }
}

/**
 * Count judged rows in one pass over them.
 * @param computed columns to compute on the way although nothing is counted in them, so that their errors show now
 * @throws {FLOW_EXPECTATION_FAILED} as `judge`
 */
export async function countJudged(
  context: FlowContext,
  flow: Flow,
  judgement: Judgement,
  { relation, rules }: JudgedRows,
  computed: readonly string[] = [],
): Promise<Verdict> {
  const warnings = rules.filter(rule => rule.action === 'warn')
  const perRule = warnings.map(
    ({ condition }, i) => sql`, count(*) FILTER (WHERE __reason IS NULL AND ${judgement.judged} \
AND (${condition}) IS NOT TRUE) AS ${ident(`rule${i}`)}`,
  )
  const forced = computed.length === 0 ? raw('') : sql`, bit_xor(hash(${columnList(computed)})) AS forced`
  const [counts] = await context.session.rows(
    sql`SELECT count(*) AS read, count(*) FILTER (WHERE __reason IS NOT NULL) AS rejected, \
count(*) FILTER (WHERE __reason IS NULL AND NOT (${judgement.judged})) AS unjudged, \
count(*) FILTER (WHERE __reason IS NULL AND __warned IS NOT NULL) AS warned, \
count(*) FILTER (WHERE __failed IS NOT NULL) AS failed${join(perRule, '')}${forced} FROM ${relation}`,
    context.signal,
  )
  const n = (name: string): bigint => BigInt(String(counts?.[name] ?? 0))
  if (n('failed') > 0n) throw await failure(context, flow, judgement, { relation, rows: n('failed') })
  const told = warnings
    .map(({ name }, i) => ({ name, rows: n(`rule${i}`) }))
    .filter(({ rows }) => rows > 0n)
    .sort((a, b) => (a.name < b.name ? -1 : 1))
  return {
    read: n('read'),
    rejected: n('rejected'),
    unjudged: n('unjudged'),
    warned: n('warned'),
    warnings: told.map(({ name, rows }) => `${rowsThat(rows, { one: 'breaks', many: 'break' })} the rule ${name}`),
  }
}

async function compile(
  context: Pick<FlowContext, 'portable'>,
  flow: Flow,
  rule: Expectation,
  { columns, onVolatile }: { columns: readonly StructField[]; onVolatile: () => void },
): Promise<Rule> {
  const place = rule.place ?? { file: flow.target, line: 1, column: 1 }
  const options = { columns: expressionColumns(columns), result: 'condition' as const, onVolatile }
  const condition = await context.portable.emitExpression(rule.expression, place, options)
  return { name: rule.name, action: rule.onViolation, condition }
}

/** Names of the broken rules, comma separated, or NULL. */
function brokenRules(rules: readonly Rule[], judged: Sql): Sql {
  if (rules.length === 0) return raw('CAST(NULL AS VARCHAR)')
  const names = rules.map(rule => sql`CASE WHEN (${rule.condition}) IS NOT TRUE THEN ${text(rule.name)} END`)
  return sql`CASE WHEN ${judged} THEN nullif(concat_ws(',', ${join(names)}), '') END`
}

const KEYS_SHOWN = 5

/** The problem of a broken FAIL UPDATE rule; its `state` shows up to five keys. */
async function failure(
  context: FlowContext,
  flow: Flow,
  judgement: Judgement,
  { relation, rows }: { relation: Sql; rows: bigint },
): Promise<Error> {
  const shown = judgement.keys.length > 0 ? judgement.keys : judgement.columns.slice(0, 3).map(f => f.name)
  const list = columnList(shown)
  // A key may break the rule in several versions.
  const found = await context.session.rows(
    sql`SELECT any_value(__failed) AS __failed, ${list} FROM ${relation} WHERE __failed IS NOT NULL \
GROUP BY ${list} ORDER BY ${list} LIMIT ${integer(KEYS_SHOWN + 1)}`,
    context.signal,
  )
  const keys = found.map(row => shown.map(name => `${name} = ${String(row[name] ?? null)}`).join(', '))
  const told = [...keys.slice(0, KEYS_SHOWN), ...(keys.length > KEYS_SHOWN ? ['…'] : [])].join('; ')
  const rule = String(found[0]?.['__failed'])
  return FLOW_EXPECTATION_FAILED(
    { flow: flow.name, table: flow.target, rule, rows },
    {
      place: flow.expectations.find(e => e.onViolation === 'fail' && rule.split(',').includes(e.name))?.place,
      state: `${flow.target} is unchanged. Rows that break it: ${told}.`,
    },
  )
}
