/**
 * What a commit says about itself, in Spark's words: its history shows it, and other writers judge their own changes by
 * it, so what it says of reading is only what was declared.
 */
import type { CommitInfo } from '../log/actions.ts'
import { printJson } from '../json.ts'
import { isBlindAppend, isolationOf } from './isolation.ts'
import type { Staged } from './staged.ts'

/** The commitInfo of one attempt. `readVersion` stays what the change was decided on, however far it was carried on. */
export function commitInfoOf(staged: Staged, attempt: { txnId: string; timestamp: number }): CommitInfo {
  const { operation, operationParameters, operationMetrics, engineInfo, userMetadata, runId } = staged.info
  const metrics = { ...metricsOf(staged), ...operationMetrics }
  return {
    timestamp: attempt.timestamp,
    operation,
    operationParameters: { ...parametersOf(staged), ...operationParameters },
    ...(staged.base ? { readVersion: staged.base.version } : {}),
    isolationLevel: isolationOf(staged),
    isBlindAppend: isBlindAppend(staged),
    ...(Object.keys(metrics).length === 0 ? {} : { operationMetrics: metrics }),
    ...(userMetadata === undefined ? {} : { userMetadata }),
    ...(runId === undefined ? {} : { runId }),
    engineInfo: engineInfo ?? '@tidemark/delta',
    txnId: attempt.txnId,
  }
}

/** What Spark says of every write; other operations are described by whoever makes them. */
function parametersOf({ info, remove, base, metaData }: Staged): Record<string, string> {
  if (info.operation !== 'WRITE') return {}
  const partitionColumns = (metaData ?? base?.metaData)?.partitionColumns ?? []
  return { mode: remove.length > 0 ? 'Overwrite' : 'Append', partitionBy: printJson(partitionColumns) }
}

/** A file that is added again, with other statistics or a deletion vector, was neither written nor taken away. */
function metricsOf({ info, add: added, remove: removed }: Staged): Record<string, string> {
  const [before, after] = [removed, added].map(files => new Set(files.map(file => file.path)))
  const [add, remove] = [
    added.filter(({ path }) => !before?.has(path)),
    removed.filter(({ path }) => !after?.has(path)),
  ]
  const sum = (count: (file: Staged['add'][number]) => bigint): string =>
    String(add.reduce((total, file) => total + count(file), 0n))
  const written = { numOutputRows: sum(file => file.numRecords), numOutputBytes: sum(file => file.size) }
  switch (info.operation) {
    case 'WRITE':
      return { numFiles: String(add.length), ...written }
    case 'STREAMING UPDATE':
      return { numAddedFiles: String(add.length), numRemovedFiles: String(remove.length), ...written }
    default:
      return {}
  }
}
