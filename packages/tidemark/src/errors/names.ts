/**
 * Problems with the names of lake tables: what a folder or the catalog cannot carry.
 */
import { type ProblemKind, problem } from './problem.ts'

export const TABLE_NAME_INVALID: ProblemKind<{ name: string; reason: string }> = problem({
  code: 'TABLE_NAME_INVALID',
  title: 'The lake cannot hold a table of this name.',
  message: (p: { name: string; reason: string }) => `The table name ${JSON.stringify(p.name)} ${p.reason}.`,
  hint: () => 'Give the table another name in the lake with `name:` in its entry, or rename the target of the flow.',
  retry: 'after-change',
  exit: 2,
  example: { name: 'silver.con', reason: 'is the name of a device on Windows' },
})
