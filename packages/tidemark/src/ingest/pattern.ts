/** Patterns of the table list: `*` stands for any characters, everything else is literal and ignores case. */

/** True when a name fits a pattern as a whole. */
export function matchesPattern(pattern: string, name: string): boolean {
  const source = pattern.split('*').map(escape).join('.*')
  return new RegExp(`^${source}$`, 'is').test(name)
}

const escape = (literal: string): string => literal.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&')
