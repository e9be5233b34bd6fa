/** The problem of asking for a code that does not exist. */
import { type ProblemKind, problem } from './problem.ts'

export const EXPLAIN_UNKNOWN_CODE: ProblemKind<{ code: string; similar: readonly string[] }> = problem<{
  code: string
  similar: readonly string[]
}>({
  code: 'EXPLAIN_UNKNOWN_CODE',
  title: 'There is no error of this name.',
  message: (p: { code: string; similar: readonly string[] }) => `No error has the code ${p.code}.`,
  hint: (p: { code: string; similar: readonly string[] }) =>
    p.similar.length === 0
      ? 'Copy the code from the first line of the error; docs/reference/errors.md lists all of them.'
      : `Similar codes: ${p.similar.join(', ')}.`,
  retry: 'never',
  exit: 2,
  example: { code: 'SOURCE_UNREACHBLE', similar: ['SOURCE_UNREACHABLE'] },
})
