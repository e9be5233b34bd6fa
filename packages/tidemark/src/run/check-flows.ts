/** Flows and rules, checked against the table list alone: no database is asked. */
import type { Engine } from '../engine/engine.ts'
import type { Problem } from '../errors/problem.ts'
import { checkListed } from '../flows/check-listed.ts'
import { createPortableSql } from '../flows/language/portable/portable-sql.ts'
import { isPattern } from '../ingest/resolve.ts'
import type { Flow } from '../model/flow.ts'
import { tableName } from '../model/names.ts'
import type { Project } from '../model/project.ts'
import { graphWith } from './flow-graph.ts'
import type { KnownTable } from './known-tables.ts'

/**
 * Check flows against the table list alone, without a database. A table that a pattern may bring is taken to be there.
 *
 * @throws {Problems} everything wrong with the flows, together
 */
export async function checkFlows(engine: Engine, project: Project): Promise<readonly Flow[]> {
  await using session = await engine.session()
  const written = project.tables.filter(entry => !isPattern(entry))
  const tables: KnownTable[] = written.map(entry => ({
    name: tableName('bronze', entry.name ?? entry.table),
    entry,
    keys: entry.primaryKey,
  }))
  return (await graphWith(session, project, { tables, mayBring: () => true })).flows
}

/** What is wrong with rules and transformations of the table list, each of which stops its own table alone. */
export async function checkRules(engine: Engine, project: Project): Promise<readonly Problem[]> {
  await using session = await engine.session()
  return await checkListed(createPortableSql(session), project.tables)
}
