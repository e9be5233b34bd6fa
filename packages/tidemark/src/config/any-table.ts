/** What stands for the tables of a source while its list cannot be relied on. */
import type { SourceConfig, TableEntry } from '../model/project.ts'

/** The entry of a source whose list cannot be had or is not accepted: whatever was loaded from it before. */
export function anyTable({ name, place }: SourceConfig): TableEntry {
  const silver = { transform: [], expectations: [] }
  const unknown = {
    name: undefined,
    cdcCol: undefined,
    fromDate: undefined,
    primaryKey: undefined,
    guarantee: undefined,
    lagMs: undefined,
    fullPassMs: undefined,
    columns: undefined,
    excludeColumns: [],
    nullCursor: undefined,
    filter: undefined,
    masks: {},
    drift: 'addNewColumns' as const,
  }
  const base = { source: name, schema: '', table: '*', exclude: [], deletes: 'detect' as const, asText: [] }
  return { ...base, ...unknown, silver, place, places: {} }
}
