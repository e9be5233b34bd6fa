/** Which bronze tables a source has filled: read from the marks in the lake, without asking the source. */
import { type ObjectStore, readSnapshot } from '@tidemark/delta'
import { markDomain } from '../ingest/mark.ts'
import type { TableName } from '../model/flow.ts'
import { tablePath } from '../model/names.ts'
import { listTables } from './lake-tables.ts'

/** Bronze tables with a mark of the source. A table whose log cannot be read is left out. */
export async function listLoaded(store: ObjectStore, source: string): Promise<readonly TableName[]> {
  const domain = markDomain(source)
  const names = await listTables(store, ['bronze'])
  const marked = names.map(async name => {
    const snapshot = await readSnapshot({ store, tablePath: tablePath(name) }).catch(() => undefined)
    return snapshot?.domain(domain) === undefined ? [] : [name]
  })
  return (await Promise.all(marked)).flat()
}
