/**
 * One source looked at as a run would meet it: reached, its rights, each table of the list. What fails becomes a finding,
 * so that one look tells everything that is wrong.
 */
import { GUARANTEE_NOT_POSSIBLE } from '../../errors/ingest.ts'
import { Problem } from '../../errors/problem.ts'
import { type BoundEntry, bindEntries, isPattern } from '../../ingest/resolve.ts'
import { type Finding, failing, ok, type SourceReport } from '../../model/finding.ts'
import type { Project, SourceConfig } from '../../model/project.ts'
import type { RightsRequest } from '../../sources/rights.ts'
import { type Source, tableKey } from '../../sources/source.ts'
import type { SourceOpener } from '../prepare.ts'
import { toProblem } from '../problem-fact.ts'

/** Never rejects but when stopped. */
export async function examineSource(
  { tables }: Pick<Project, 'tables'>,
  config: SourceConfig,
  opener: SourceOpener,
  signal: AbortSignal,
): Promise<SourceReport> {
  const entries = tables.filter(({ source }) => source === config.name)
  const listed = bindEntries(
    config,
    entries.filter(entry => !isPattern(entry)),
    [],
  ).bound
  const report = { source: config.name, type: config.type }
  let source: Source | undefined
  try {
    source = await opener.open(config)
    const { bound, problems } = bindEntries(
      config,
      entries,
      entries.some(isPattern) ? await source.listTables(signal) : [],
    )
    const { findings, grants } = await examineTables(source, bound, signal)
    const list = config.unlisted?.problems ?? []
    return { ...report, findings: [...findings, ...[...list, ...problems].map(one => failing('list', one))], grants }
  } catch (error) {
    if (signal.aborted) throw error
    const findings = [failing('connection', toProblem(error, config.name))]
    return { ...report, findings, grants: source?.grants?.(requestOf(listed)) ?? [] }
  } finally {
    await source?.close()
  }
}

async function examineTables(
  source: Source,
  bound: readonly BoundEntry[],
  signal: AbortSignal,
): Promise<Pick<SourceReport, 'findings' | 'grants'>> {
  const request = requestOf(bound)
  const diagnosis = await source.diagnose?.(request, signal)
  const { tables } = await source.probe(request.tables, signal)
  const hidden = diagnosis?.openTransactionsHidden
  const clocked = hidden === undefined ? [] : bound.filter(byOpenTransactions)
  const unread = [...tables.values()].filter(one => one instanceof Problem)
  const readable = tables.size - unread.length
  const findings: Finding[] = [
    ...(diagnosis?.findings ?? []),
    ...clocked.map(({ ref, entry }) => {
      const params = { table: `${ref.schema}.${ref.table}`, guarantee: 'server_clock', reason: hidden ?? '' }
      return failing('rights', GUARANTEE_NOT_POSSIBLE(params, { place: entry.places['guarantee'] ?? entry.place }))
    }),
    ok('tables', `${readable} of ${tables.size} can be read`),
    ...unread.map(problem => failing('table', problem)),
  ]
  const named = request.tables.map(ref => {
    const described = tables.get(tableKey(ref))
    return described instanceof Problem || described === undefined
      ? (diagnosis?.found.get(tableKey(ref)) ?? ref)
      : { schema: described.schema, table: described.table, kind: described.kind }
  })
  return { findings, grants: source.grants?.({ ...request, tables: named }) ?? [] }
}

function requestOf(bound: readonly BoundEntry[]): RightsRequest {
  return { tables: bound.map(({ ref }) => ref), byOpenTransactions: bound.some(byOpenTransactions) }
}

function byOpenTransactions({ entry }: BoundEntry): boolean {
  return entry.guarantee === 'server_clock'
}
