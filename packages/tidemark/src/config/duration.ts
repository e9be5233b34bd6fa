/** Lengths of time as users write them: `30m`, `4h`, `1d`. */

const unitMs: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000 }

/** A whole number of minutes, hours or days in milliseconds; undefined for anything else, and for nothing at all. */
export function parseDuration(text: string): number | undefined {
  const [, count, unit] = /^\s*([1-9]\d{0,5})\s*([mhd])\s*$/.exec(text) ?? []
  return count === undefined || unit === undefined ? undefined : Number(count) * (unitMs[unit] ?? 0)
}
