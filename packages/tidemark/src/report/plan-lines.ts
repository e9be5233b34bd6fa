/** A plan as lines of text: the same words that `run` shows while it ticks the steps off. Pure. */
import { plainLine } from '../errors/plain-text.ts'
import { estimateOf, type Expectation, type Plan, type PlanStep } from '../model/plan.ts'
import { countText } from './numbers.ts'
import { readingText, timeText } from './reading-text.ts'
import { printTable } from './table.ts'
import { rowsText } from '../errors/row-count.ts'

/** What stands behind a step's name: guarantee, method, and how much is known about what it will do. */
export function planText(step: PlanStep): string {
  return [step.guarantee, step.method, expectationText(step.expect)].filter(part => part !== undefined).join('  ')
}

/** The whole plan, aligned, with notes under the steps they belong to. */
export function renderPlan(plan: Plan, options: { width: number | undefined; notes: boolean }): string {
  const rows = plan.steps.map(step => ({
    table: plainLine(step.id),
    guarantee: step.guarantee ?? '',
    method: plainLine(step.method),
    expect: plainLine(expectationText(step.expect)),
  }))
  const columns = [
    { name: 'table' },
    { name: 'guarantee', heading: '' },
    { name: 'method' },
    { name: 'expect', heading: 'what the next run does' },
  ]
  const table = printTable(columns, rows, { width: options.width })
  const notes = options.notes ? plan.steps.flatMap(step => step.notes.map(note => `  ${step.id}: ${note}`)) : []
  const reading = readingText(plan.steps.flatMap(step => estimateOf(step.expect) ?? []))
  const timed = reading === undefined ? table : `${table}\n${reading}\n`
  const told = notes.length === 0 ? timed : `${timed}\nnotes\n${notes.map(plainLine).join('\n')}\n`
  if (plan.unfilled.length === 0) return told
  return `${told}\nnothing fills these tables any more; they stay as they are: ${plainLine(plan.unfilled.join(', '))}\n`
}

/** `at most 500 rows changed since …`, `nothing, proved: …`, `known after silver.DimUser`. */
export function expectationText(expect: Expectation): string {
  switch (expect.kind) {
    case 'nothing':
      return `nothing, ${expect.why}`
    case 'known':
      return rowsText(countText(expect.rows))
    case 'at most': {
      const since = expect.since === undefined ? '' : ` changed since ${clockText(expect.since)}`
      return `at most ${rowsText(countText(expect.rows))}${since}`
    }
    case 'whole table': {
      const rows = expect.rowEstimate === undefined ? undefined : `about ${countText(expect.rowEstimate)}`
      const time = timeText({ durationMs: expect.durationMs })
      return ['reads all rows', rows, time].filter(part => part !== undefined).join(', ')
    }
    case 'follows':
      return `known after ${expect.of.join(', ')}`
    case 'refused':
      return `refused: ${expect.code}`
  }
}

/** `2026-11-22 11:58:02Z` of an ISO instant. */
export function clockText(iso: string): string {
  return iso
    .replace('T', ' ')
    .replace(/\.\d+/, '')
    .replace(/\+00(:00)?$/, 'Z')
}
