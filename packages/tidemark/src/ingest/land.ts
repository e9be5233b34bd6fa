/**
 * Landing: prepared rows, the mark and the run's id become one commit of the bronze table. Two ingest commits on one
 * table always conflict; the loser looks again and prepares anew.
 */
import {
  type CommitResult,
  commit,
  type DataFile,
  type Snapshot,
  type Staged,
  type StructType,
  stageAppend,
  stageCreate,
  stageMetadata,
  stageOverwrite,
} from '@tidemark/delta'
import { upkeepWarning } from '../model/upkeep.ts'
import type { IngestContext } from './context.ts'
import { generationDomain, generationOf } from './generation.ts'
import { type Mark, markDomain, printMark } from './mark.ts'

export interface Landing {
  tablePath: string
  /** Undefined when the table is created by this commit. */
  current: Snapshot | undefined
  schema: StructType
  files: readonly DataFile[]
  mark: Mark
  /** append adds; overwrite replaces every row; mark moves the horizon alone. */
  operation: 'append' | 'overwrite' | 'mark'
  /** True when rows that flows have read are replaced on purpose: what streams from the table is rebuilt, too. */
  isRebuild?: boolean
}

/** The version this landing would make. */
export function nextVersion(current: Snapshot | undefined): bigint {
  return current === undefined ? 0n : current.version + 1n
}

/** Commit a landing once. A conflict comes back as a value. */
export async function land(context: IngestContext, landing: Landing): Promise<CommitResult> {
  const result = await commit(context, stage(context, landing), { signal: context.signal })
  const warning = upkeepWarning(result)
  if (warning !== undefined) context.warn(warning)
  return result
}

function stage(context: IngestContext, landing: Landing): Staged {
  const { current, schema, tablePath, operation } = landing
  const files = [...landing.files]
  const domains = [{ domain: markDomain(context.source), configuration: printMark(landing.mark) }]
  if (landing.isRebuild === true) domains.push(generationDomain(generationOf(current).generation + 1n, context.runId))
  const info = {
    operation: operation === 'overwrite' ? 'WRITE' : 'STREAMING UPDATE',
    operationParameters: { mode: operation === 'overwrite' ? 'Overwrite' : 'Append' },
    runId: context.runId,
  }
  if (current === undefined) return stageCreate({ tablePath, schema, files, domains, info })
  if (operation === 'mark') return stageMetadata(current, { domains, info })
  if (operation === 'overwrite') return stageOverwrite(current, { files, schema, domains, info })
  return stageAppend(current, { files, schema, domains, info })
}
