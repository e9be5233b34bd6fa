/** Instants as text. A number of milliseconds becomes ISO 8601 here and nowhere else; values of tables never do. */

/** Milliseconds since 1970 UTC as `2026-11-22T12:00:03.512Z`. @throws {RangeError} outside the years 1 to 9999 */
export function isoInstant(ms: number): string {
  const text = new Date(ms).toISOString()
  if (text.length !== 24) throw new RangeError(`${ms} is not an instant within the years 1 to 9999`)
  return text
}
