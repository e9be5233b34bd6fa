/** Wrong rows in a bronze table, by a commit that looks like one of ours: what a bug of ingestion would leave behind. */
import { commit, LocalStore, readSnapshot, stageAppend } from '@tidemark/delta'
import { openDuckdb } from '../../packages/tidemark/src/engine/duckdb.ts'
import { integer, type Sql, sql } from '../../packages/tidemark/src/engine/sql.ts'
import { markDomain, parseMark, printMark } from '../../packages/tidemark/src/ingest/mark.ts'
import { tablePath as pathOf } from '../../packages/tidemark/src/model/names.ts'
import { systemClock, systemIds } from '../../packages/tidemark/src/run/system.ts'
import { temporaryFolder } from './source.ts'

/** Append entries, a query over `rows`, above all others. The mark keeps its place and its count of rows. */
export async function plantEntries(lake: string, table: string, entries: Sql): Promise<void> {
  const store = new LocalStore(lake)
  const engine = openDuckdb({ store, ids: systemIds, scratch: await temporaryFolder(), folders: [lake] })
  const ports = { store, logParquet: engine.logParquet, clock: systemClock, ids: systemIds }
  const tablePath = pathOf(table)
  const current = await readSnapshot(ports, { tablePath })
  if (current === undefined) throw new Error(`${table} does not exist`)
  const domain = markDomain('app')
  const mark = parseMark(current.domain(domain) ?? '')
  const [seq, seqBase, version] = [mark.seq + 1n, mark.seqBase + 1n, current.version + 1n]
  await using session = await engine.session()
  await session.run(sql`CREATE TEMP VIEW rows AS ${await session.scan(current)}`)
  const query = sql`SELECT * REPLACE (${integer(seq)} AS _seq) FROM (${entries})`
  const files = await session.writeParquet(query, { tablePath, schema: current.schema })
  const domains = [{ domain, configuration: printMark({ ...mark, seq, seqBase, version }) }]
  await commit(ports, stageAppend(current, { files, domains, info: { operation: 'STREAMING UPDATE' } }))
  await engine.close()
}
