/**
 * Properties that the table of a flow may have in its log: those that change how rows are kept and for how long, never
 * which rows there are. Everything else is refused, because a merge, an exact batch or a reader may depend on it.
 */

/** Property names with their values, as the log holds them. */
export type TableProperties = Readonly<Record<string, string>>

interface Rule {
  /** Completes "must be …". */
  expected: string
  fits: RegExp
}

const flag: Rule = { expected: 'true or false', fits: /^(true|false)$/ }
const interval: Rule = {
  expected: 'an interval such as interval 30 days',
  fits: /^interval [1-9]\d{0,8} (second|minute|hour|day|week)s?$/i,
}

const RULES: Readonly<Record<string, Rule>> = {
  'delta.enableDeletionVectors': flag,
  'delta.enableChangeDataFeed': flag,
  'delta.logRetentionDuration': interval,
  'delta.deletedFileRetentionDuration': interval,
  'delta.checkpointInterval': { expected: 'a number of commits, 1 or more', fits: /^[1-9]\d{0,8}$/ },
  'delta.targetFileSize': { expected: 'a size such as 128mb', fits: /^[1-9]\d{0,11} ?[kmg]?b?$/i },
}

/** Names of the properties with a meaning for readers and writers of the table. */
export const KNOWN_PROPERTIES: readonly string[] = Object.keys(RULES)

/**
 * What is wrong with one property: what it must be instead, or undefined when the table can have it. Names without one
 * of the prefixes `delta.` and `pipelines.` are the user's own and may have any value.
 */
export function findPropertyFault(name: string, value: string): string | undefined {
  const rule = Object.hasOwn(RULES, name) ? RULES[name] : undefined
  if (rule !== undefined) return rule.fits.test(value) ? undefined : rule.expected
  if (!/^(delta|pipelines|tidemark)\./i.test(name)) return undefined
  return `one of ${KNOWN_PROPERTIES.join(', ')}, or a name of your own`
}
