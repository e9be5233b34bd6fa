/**
 * Commits of flows: read the newest snapshot, stage, commit; on a conflict look again and stage anew. What a stage
 * function finds already done it does not do twice.
 */
import {
  type CommitResult,
  commit,
  readSnapshot,
  refreshSnapshot,
  type Snapshot,
  type Staged,
  type StructType,
  stageCreate,
  stageMetadata,
} from '@tidemark/delta'
import { FLOW_COMMIT_BUSY, FLOW_SOURCE_MISSING, FLOW_TARGET_FOREIGN } from '../errors/flow-run.ts'
import type { Flow, TableName } from '../model/flow.ts'
import { tablePath } from '../model/names.ts'
import type { TableProperties } from '../model/table-properties.ts'
import { upkeepWarning } from '../model/upkeep.ts'
import type { FlowContext } from './context.ts'

/** Lost races after which a flow gives up; nobody waits between them, each loser has something newer to read. */
export const MAX_TRIES = 12

/** The current snapshot of a lake table, or undefined when it has not been made. */
export function readTable(
  context: Pick<FlowContext, 'store' | 'logParquet' | 'signal'>,
  table: TableName,
): Promise<Snapshot | undefined> {
  return readSnapshot(context, { tablePath: tablePath(table), signal: context.signal })
}

/** The snapshot of a table that a flow reads. Throws FLOW_SOURCE_MISSING when it has not been made. */
export async function getSource(
  context: FlowContext,
  flow: Flow,
  table: TableName,
  version?: bigint,
): Promise<Snapshot> {
  const snapshot = await readSnapshot(context, {
    tablePath: tablePath(table),
    signal: context.signal,
    ...(version === undefined ? {} : { version }),
  })
  if (snapshot === undefined) throw FLOW_SOURCE_MISSING({ flow: flow.name, table })
  return snapshot
}

/**
 * The table's snapshot; a missing table is made first, empty, in a commit of its own. Data files therefore only ever
 * appear beside a log, and a folder with files but no log is somebody else's: FLOW_TARGET_FOREIGN.
 */
export async function ensureTable(
  context: FlowContext,
  flow: Flow,
  table: { path: string; name: TableName; schema: StructType; properties?: TableProperties | undefined },
): Promise<Snapshot> {
  for (let attempt = 0; attempt < MAX_TRIES; attempt++) {
    const snapshot = await readSnapshot(context, { tablePath: table.path, signal: context.signal })
    if (snapshot !== undefined) return await setProperties(context, flow, snapshot, table.properties)
    for await (const object of context.store.list(table.path)) {
      if (object.path.startsWith(`${table.path}/_delta_log/`)) continue
      throw FLOW_TARGET_FOREIGN({ table: table.name, path: table.path }, { state: 'Nothing was written.' })
    }
    const info = { operation: 'CREATE TABLE', runId: context.runId }
    const { path: tablePath, schema, properties: configuration = {} } = table
    const created = stageCreate({ tablePath, schema, configuration, info, needsDomainMetadata: true })
    const result = await commitOnce(context, created)
    if (result.kind === 'committed') return result.snapshot
  }
  throw FLOW_COMMIT_BUSY({ flow: flow.name, table: table.name, tries: MAX_TRIES })
}

/** The table with the properties that its flow declares: a commit of their own sets those that differ. */
export async function setProperties(
  context: FlowContext,
  flow: Flow,
  table: Snapshot,
  properties: TableProperties | undefined,
): Promise<Snapshot> {
  if (Object.keys(differingProperties(table, properties)).length === 0) return table
  const { snapshot } = await commitTable(context, flow, table, current => {
    const configuration = differingProperties(current, properties)
    if (Object.keys(configuration).length === 0) return Promise.resolve(undefined)
    const operationParameters = { properties: JSON.stringify(configuration) }
    const info = { operation: 'SET TBLPROPERTIES', operationParameters, runId: context.runId }
    return Promise.resolve(stageMetadata(current, { configuration, info }))
  })
  return snapshot
}

/** Declared properties that the table has not, or has otherwise. */
export function differingProperties(
  { configuration }: Snapshot,
  properties: TableProperties | undefined,
): Record<string, string> {
  return Object.fromEntries(Object.entries(properties ?? {}).filter(([name, value]) => configuration[name] !== value))
}

/**
 * Commit what `stage` makes of the newest snapshot. `stage` gives undefined when nothing is left to do, for instance
 * because somebody else did it. Returns the last snapshot seen and whether this call committed.
 */
export async function commitTable(
  context: FlowContext,
  flow: Flow,
  start: Snapshot,
  stage: (snapshot: Snapshot) => Promise<Staged | undefined>,
): Promise<{ snapshot: Snapshot; committed: boolean }> {
  let snapshot = await refreshSnapshot(context, start)
  for (let attempt = 0; attempt < MAX_TRIES; attempt++) {
    context.signal.throwIfAborted()
    const staged = await stage(snapshot)
    if (staged === undefined) return { snapshot, committed: false }
    const result = await commitOnce(context, staged)
    if (result.kind === 'committed') return { snapshot: result.snapshot, committed: true }
    snapshot = await refreshSnapshot(context, snapshot)
  }
  throw FLOW_COMMIT_BUSY({ flow: flow.name, table: flow.target, tries: MAX_TRIES })
}

async function commitOnce(context: FlowContext, staged: Staged): Promise<CommitResult> {
  const result = await commit(context, staged, { signal: context.signal })
  const warning = upkeepWarning(result)
  if (warning !== undefined) context.warn(warning)
  return result
}
