/** Intervals between instants of a source's own clock, as its positions tell them. */

/** Milliseconds from one `asOf` to another, ISO 8601 UTC both. */
export function passedMs(from: string, to: string): number {
  // oxlint-disable-next-line no-restricted-globals -- texts that positions are made of; no value of a row
  return Date.parse(to) - Date.parse(from)
}
