/** A table has to agree to types that grow: a setting in its own log, by a commit of its own before the rows. */
import { commit, type Snapshot, stageMetadata } from '@tidemark/delta'
import type { IngestContext } from './context.ts'
import type { Fitted } from './drift.ts'

const SETTING = 'delta.enableTypeWidening'

/** True when types of the table may grow. */
export function allowsWidening({ configuration }: Pick<Snapshot, 'configuration'>): boolean {
  return configuration[SETTING] === 'true'
}

/** Let types of a table grow; the table is another version then, whoever has done it. Killed after it, the next run goes on. */
export async function allowWidening(
  context: Pick<IngestContext, 'store' | 'logParquet' | 'clock' | 'ids' | 'runId' | 'signal'>,
  current: Snapshot,
): Promise<void> {
  const info = { operation: 'SET TBLPROPERTIES', operationParameters: { [SETTING]: 'true' }, runId: context.runId }
  const staged = stageMetadata(current, { configuration: { [SETTING]: 'true' }, info })
  await commit(context, staged, { signal: context.signal })
}

/**
 * Let types of a bronze table grow where the commit to come needs it.
 *
 * @returns true when the table is another version now, and has to be looked at again
 */
export async function beginWidening(
  context: IngestContext,
  { widens }: Pick<Fitted, 'widens'>,
  current: Snapshot | undefined,
): Promise<boolean> {
  if (!widens || current === undefined || allowsWidening(current)) return false
  await allowWidening(context, current)
  return true
}
