/** Instants as text. Milliseconds become ISO 8601 here and nowhere else; times in users' tables never pass through. */

const dayMs = 86_400_000

/**
 * Milliseconds since 1970 UTC as `2026-11-22T12:00:03.512Z`; fractions of a millisecond are cut off. Texts of instants
 * sort as the instants do.
 *
 * @throws {RangeError} outside the years 1970 to 9999, which no clock of ours shows
 */
export function isoInstant(ms: number): string {
  const { year, month, day } = civilDay(Math.floor(ms / dayMs))
  if (!(ms >= 0 && year <= 9999)) throw new RangeError(`${ms} is not an instant of the years 1970 to 9999`)
  const time = Math.floor(ms % dayMs)
  const [hour, minute, second] = [time / 3_600_000, (time / 60_000) % 60, (time / 1000) % 60].map(Math.floor)
  return `${digits(year, 4)}-${digits(month)}-${digits(day)}T${digits(hour)}:${digits(minute)}:${digits(second)}.${digits(time % 1000, 3)}Z`
}

/** The Gregorian date of a day counted from 1970-01-01, in years that begin in March so that leap days come last. */
function civilDay(daysSince1970: number): { year: number; month: number; day: number } {
  const days = daysSince1970 + 719_468
  const era = Math.floor(days / 146_097)
  const dayOfEra = days - era * 146_097
  const yearOfEra = Math.floor(
    (dayOfEra - Math.floor(dayOfEra / 1460) + Math.floor(dayOfEra / 36_524) - Math.floor(dayOfEra / 146_096)) / 365,
  )
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100))
  const monthFromMarch = Math.floor((5 * dayOfYear + 2) / 153)
  const day = dayOfYear - Math.floor((153 * monthFromMarch + 2) / 5) + 1
  const month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
  return { year: yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day }
}

function digits(value: number | undefined, length = 2): string {
  return String(value ?? 0).padStart(length, '0')
}
