/** Problems of the engine itself: what it cannot do with the memory it has, and a build that is not to be trusted. */
import { type ProblemKind, problem } from './problem.ts'

export const ENGINE_OUT_OF_MEMORY: ProblemKind<{ memory: string }> = problem({
  code: 'ENGINE_OUT_OF_MEMORY',
  title: 'The engine has too little memory.',
  message: (p: { memory: string }) => `The engine may hold ${p.memory}, and what it was asked for needs more at once.`,
  hint: () =>
    'Committed tables are as they were. Raise `engine_memory` in tidemark.yml, which is 1GB when left out, as far as the machine has it; or run with `parallel: 1`, which leaves all of it to one table, or without long columns, `exclude_columns`.',
  retry: 'after-change',
  exit: 1,
  example: { memory: '1GB' },
})

export const ENGINE_STATISTICS_WRONG: ProblemKind<{ told: string; wanted: string }> = problem({
  code: 'ENGINE_STATISTICS_WRONG',
  title: 'This DuckDB tells wrong statistics.',
  message: (p: { told: string; wanted: string }) =>
    `Asked about a file with values from ${p.wanted}, DuckDB said ${p.told}; readers would pass over rows.`,
  hint: () => 'Install the version of @duckdb/node-api that tidemark’s package.json names. Nothing was written.',
  retry: 'after-change',
  exit: 3,
  example: { told: '0.0 to 0.0', wanted: '-99999999999999999999.5 to 99999999999999999999.5' },
})
