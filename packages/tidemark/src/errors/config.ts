/** Problems with the project as a whole: its files, its keys and their values, the channels it names, `init`. */
import { type ProblemKind, problem } from './problem.ts'
import { list, meant } from './suggestion.ts'

export const CONFIG_NOT_FOUND: ProblemKind<{ file: string }> = problem<{ file: string }>({
  code: 'CONFIG_NOT_FOUND',
  title: 'There is no project here.',
  message: p => `${p.file} does not exist.`,
  hint: () => 'Go to the folder of your project, name it with --project, or make one with `tidemark init`.',
  retry: 'after-change',
  exit: 2,
  example: { file: 'tidemark.yml' },
})

export const CONFIG_UNREADABLE: ProblemKind<{ file: string; reason: string }> = problem<{
  file: string
  reason: string
}>({
  code: 'CONFIG_UNREADABLE',
  title: 'A file of the project cannot be read.',
  message: p => `${p.file} ${p.reason}.`,
  hint: () => 'Check the path and its spelling, and that you may read the file. Paths are relative to tidemark.yml.',
  retry: 'after-change',
  exit: 2,
  example: { file: 'loop_input.json', reason: 'does not exist' },
})

export const CONFIG_OUTSIDE_PROJECT: ProblemKind<{ key: string; path: string }> = problem<{
  key: string
  path: string
}>({
  code: 'CONFIG_OUTSIDE_PROJECT',
  title: 'A path leads out of the project.',
  message: p => `\`${p.key}\` names ${p.path}, which is not inside the project folder.`,
  hint: () => 'Keep the table list and the flows in the project folder, so that another machine finds them too.',
  retry: 'after-change',
  exit: 2,
  example: { key: 'tables', path: '../loop_input.json' },
})

export const CONFIG_LAKE_PATH: ProblemKind<{ path: string; reason: string }> = problem<{
  path: string
  reason: string
}>({
  code: 'CONFIG_LAKE_PATH',
  title: 'The lake cannot be in this folder.',
  message: p => `\`lake: ${p.path}\` ${p.reason}.`,
  hint: () => 'Give the lake a folder of its own, for example `lake: ./lake`.',
  retry: 'after-change',
  exit: 2,
  example: { path: '.', reason: 'is the project folder itself' },
})

export const CONFIG_SYNTAX: ProblemKind<{ format: string; reason: string; fix?: string | undefined }> = problem<{
  format: string
  reason: string
  fix?: string | undefined
}>({
  code: 'CONFIG_SYNTAX',
  title: 'A file of the project is not well-formed.',
  message: p => `This is not valid ${p.format}: ${p.reason}.`,
  hint: p => p.fix ?? `Correct the ${p.format} at this place.`,
  retry: 'after-change',
  exit: 2,
  example: { format: 'JSON', reason: 'a comma follows the last element', fix: 'Delete the comma.' },
})

export const CONFIG_UNKNOWN_KEY: ProblemKind<{
  key: string
  where: string
  suggestion: string | undefined
  known: readonly string[]
}> = problem<{
  key: string
  where: string
  suggestion: string | undefined
  known: readonly string[]
}>({
  code: 'CONFIG_UNKNOWN_KEY',
  title: 'A key is not known.',
  message: p => `\`${p.key}\` is not a key of ${p.where}.`,
  hint: p => meant(p.suggestion, `Known here: ${list(p.known)}.`),
  retry: 'after-change',
  exit: 2,
  example: { key: 'cdc_column_', where: 'a table entry', suggestion: 'cdc_col', known: ['schema', 'table', 'cdc_col'] },
})

export const CONFIG_MISSING_KEY: ProblemKind<{ key: string; where: string; hint?: string | undefined }> = problem<{
  key: string
  where: string
  hint?: string | undefined
}>({
  code: 'CONFIG_MISSING_KEY',
  title: 'A required key is missing.',
  message: p => `\`${p.key}\` is missing in ${p.where}.`,
  hint: p => p.hint ?? `Add \`${p.key}\`.`,
  retry: 'after-change',
  exit: 2,
  example: { key: 'name', where: 'tidemark.yml' },
})

export const CONFIG_VALUE: ProblemKind<{ key: string; expected: string; hint?: string | undefined }> = problem<{
  key: string
  expected: string
  hint?: string | undefined
}>({
  code: 'CONFIG_VALUE',
  title: 'A value does not fit its key.',
  message: p => `\`${p.key}\` must be ${p.expected}.`,
  hint: p => p.hint ?? `Correct the value of \`${p.key}\`.`,
  retry: 'after-change',
  exit: 2,
  example: { key: 'parallel', expected: 'a whole number from 1 to 64' },
})

export const CONFIG_CONFLICT: ProblemKind<{ reason: string; hint: string }> = problem<{ reason: string; hint: string }>(
  {
    code: 'CONFIG_CONFLICT',
    title: 'Two keys contradict each other.',
    message: p => `${p.reason}.`,
    hint: p => p.hint,
    retry: 'after-change',
    exit: 2,
    example: { reason: '`url` and `host` are both given', hint: 'Keep one of the two.' },
  },
)

export const CONFIG_PLANNED: ProblemKind<{ what: string; instead?: string | undefined }> = problem<{
  what: string
  instead?: string | undefined
}>({
  code: 'CONFIG_PLANNED',
  title: 'This is planned and not built yet.',
  message: p => `${p.what} is planned, but this version does not do it.`,
  hint: p => p.instead ?? 'Remove it for now; it would have had no effect.',
  retry: 'after-change',
  exit: 2,
  example: { what: '`schedule`', instead: 'Start `tidemark run` from cron or another scheduler.' },
})

export const CONFIG_NO_MATCH: ProblemKind<{ key: string; pattern: string }> = problem<{ key: string; pattern: string }>(
  {
    code: 'CONFIG_NO_MATCH',
    title: 'A pattern matches no file.',
    message: p => `\`${p.key}: ${p.pattern}\` matches no .sql or .ts file.`,
    hint: () => 'Check the pattern, or remove it. Patterns are relative to tidemark.yml; `**` stands for any folders.',
    retry: 'after-change',
    exit: 2,
    example: { key: 'flows', pattern: 'glod/**' },
  },
)

export const CHANNEL_UNKNOWN: ProblemKind<{ name: string; suggestion: string | undefined; known: readonly string[] }> =
  problem<{ name: string; suggestion: string | undefined; known: readonly string[] }>({
    code: 'CHANNEL_UNKNOWN',
    title: 'An alert rule sends to a channel that does not exist.',
    message: p => `alerts.channels has no channel ${p.name}.`,
    hint: p => meant(p.suggestion, `Channels: ${list(p.known)}.`),
    retry: 'after-change',
    exit: 2,
    example: { name: 'mial', suggestion: 'mail', known: ['hook', 'mail'] },
  })

export const INIT_EXISTS: ProblemKind<{ files: readonly string[] }> = problem<{ files: readonly string[] }>({
  code: 'INIT_EXISTS',
  title: 'There is a project here already.',
  message: p => `${list(p.files)} ${p.files.length === 1 ? 'exists' : 'exist'}, and init never overwrites a file.`,
  hint: () => 'Choose an empty folder, or move these files away.',
  retry: 'after-change',
  exit: 2,
  example: { files: ['tidemark.yml'] },
})
