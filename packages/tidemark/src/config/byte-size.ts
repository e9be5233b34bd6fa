/** Sizes as users write them: `500MB`, `10GB`, `1TB`. */

const unitBytes: Readonly<Record<string, number>> = { MB: 1e6, GB: 1e9, TB: 1e12 }

/** A whole number of mega-, giga- or terabytes in bytes; undefined for anything else. */
export function parseBytes(text: string): number | undefined {
  const [, count, unit] = /^\s*([1-9]\d{0,5})\s*([MGT]B)\s*$/i.exec(text) ?? []
  return count === undefined || unit === undefined ? undefined : Number(count) * (unitBytes[unit.toUpperCase()] ?? 0)
}
