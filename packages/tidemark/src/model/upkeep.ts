/** What a commit's look after the table's log has to tell a user, if anything. */
import type { CommitResult } from '@tidemark/delta'
import { firstLine } from '../errors/first-line.ts'

/** In words; undefined when all is well, which it nearly always is. */
export function upkeepWarning(result: CommitResult): string | undefined {
  if (result.kind === 'conflict' || result.upkeep.kind !== 'failed') return undefined
  const { error } = result.upkeep
  const table = result.snapshot.tablePath
  return `${table} is committed, but its log could not be looked after: ${firstLine(error).replace(/\.$/, '')}. The next commit tries again.`
}
