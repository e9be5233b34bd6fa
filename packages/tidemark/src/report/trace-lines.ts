/** A trace as text: the source, the versions of bronze with what became of each, silver, and the history tables. Pure. */
import { plainLine } from '../errors/plain-text.ts'
import type { Trace, TracedRow, TracedVersion } from '../model/trace.ts'
import { clockText } from './plan-lines.ts'
import { type Column, inferColumns, printTable } from './table.ts'

/** The whole trace, section by section, in the direction in which rows flow. */
export function renderTrace(trace: Trace, { width }: { width: number | undefined }): string {
  const key = Object.entries(trace.key).map(([column, value]) => `${column}=${value}`)
  return [
    `${plainLine(`${trace.table} ${key.join(' ')}`)}\n`,
    sourceText(trace, width),
    versionsText(trace, width),
    silverText(trace, width),
    ...trace.gold.map(({ table, scdType, state, rows }) => {
      const count = rows.length === 1 ? '1 row' : `${rows.length} rows`
      const said = state === 'not filled' ? 'not filled yet' : `SCD ${scdType}, ${count}`
      return section(`${table}: ${said}`, rowsText(rows, width))
    }),
  ].join('\n')
}

function sourceText({ source }: Trace, width: number | undefined): string {
  const { state, table, asOf, row, problem } = source
  const at = asOf === undefined ? '' : ` at ${clockText(asOf)}`
  if (state === 'unknown') return section(`source ${table}: not known (${problem?.code ?? ''})`, '')
  if (state === 'absent') return section(`source ${table}: no such row${at}`, '')
  return section(`source ${table}: present${at}`, row === undefined ? '' : rowsText([row], width))
}

const VERSION_COLUMNS: readonly Column[] = [
  { name: 'seq', align: 'right' },
  { name: 'op' },
  { name: 'commit', align: 'right' },
  { name: 'run' },
  { name: 'asOf', heading: 'source time' },
  { name: 'decision', heading: 'in silver' },
  { name: 'rules', heading: 'broken rules' },
]

function versionsText({ table, versions }: Trace, width: number | undefined): string {
  if (versions.length === 0) return section(`${table}: no version`, '')
  const columns = Object.keys(versions[0]?.row ?? {})
  const rows = versions.map(version => ({ ...version.row, ...factsOf(version) }))
  const shown = [
    ...VERSION_COLUMNS,
    ...inferColumns(
      columns.filter(name => !VERSION_COLUMNS.some(column => column.name === name)),
      versions.map(({ row }) => row),
    ),
  ]
  const count = versions.length === 1 ? '1 version' : `${versions.length} versions`
  return section(`${table}: ${count}`, printTable(shown, rows, { width }))
}

function factsOf({ seq, op, commit, runId, asOf, decision, rejectedBy, rules }: TracedVersion): TracedRow {
  const broken = new Set([...rejectedBy, ...rules.filter(({ passes }) => !passes).map(({ rule }) => rule)])
  return {
    seq,
    op,
    commit: commit ?? null,
    run: runId,
    asOf: clockText(asOf),
    decision: decision ?? '',
    rules: [...broken].join(', '),
  }
}

function silverText({ silver }: Trace, width: number | undefined): string {
  if (silver === undefined) return section('silver: is filled by a flow file, which is not traced', '')
  const { table, state, row } = silver
  const said = state === 'present' ? 'present' : state === 'absent' ? 'no such row' : 'not filled yet'
  return section(`${table}: ${said}`, row === undefined ? '' : rowsText([row], width))
}

function rowsText(rows: readonly TracedRow[], width: number | undefined): string {
  if (rows.length === 0) return ''
  return printTable(inferColumns(Object.keys(rows[0] ?? {}), rows), rows, { width })
}

function section(heading: string, body: string): string {
  const indented = body === '' ? '' : `${body.trimEnd().replaceAll(/^/gm, '  ')}\n`
  return `${plainLine(heading)}\n${indented}`
}
