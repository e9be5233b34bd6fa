/** Which bronze tables a source has filled: read from the marks in the lake, without asking the source. */
import { Problem } from '../errors/problem.ts'
import { markDomain } from '../ingest/mark.ts'
import type { TableName } from '../model/flow.ts'
import type { LakeStore } from '../model/ports.ts'
import { listTables, lookAtTable } from './lake-tables.ts'

/** Bronze tables with a mark of the source, and those whose log is broken: they may be of any source. */
export async function listLoaded(lake: LakeStore, source: string): Promise<readonly TableName[]> {
  const domain = markDomain(source)
  const names = await listTables(lake.store, ['bronze'])
  const loaded = names.map(async name => {
    const found = await lookAtTable(lake, name)
    return found instanceof Problem || found?.domain(domain) !== undefined ? [name] : []
  })
  return (await Promise.all(loaded)).flat()
}
