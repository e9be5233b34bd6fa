/** Names of time zones, as the rules of this machine's Node know them. */

/** True for a zone that has a name and rules. Looking one up loads the rules of all; UTC, the usual one, needs none. */
export function isKnownZone(name: string): boolean {
  if (name === 'UTC') return true
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== ''
  } catch {
    return false
  }
}
