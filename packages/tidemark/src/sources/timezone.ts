/** The zone in which a source's times without a zone are read: a name, whose rules every side knows. */
import { SOURCE_TIMEZONE } from '../errors/source.ts'
import { isKnownZone } from '../model/timezone.ts'

/**
 * The zone itself. Offsets have no rule for summer time, abbreviations several, and PostgreSQL reads the sign of both the
 * other way round: only names are safe.
 *
 * @throws {SOURCE_TIMEZONE} it is an offset, or unknown
 */
export function checkTimezone(source: string, timezone: string): string {
  const isName = /^[A-Za-z][A-Za-z0-9_+-]*(\/[A-Za-z0-9_+-]+)*$/.test(timezone)
  if (!isName || !isKnownZone(timezone)) throw SOURCE_TIMEZONE({ source, timezone })
  return timezone
}
