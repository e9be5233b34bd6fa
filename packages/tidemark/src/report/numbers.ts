/** Counts, rates and durations as people read them. Pure. */

/** `1,234,567`. */
export function countText(count: bigint): string {
  return count.toString().replaceAll(/\B(?=(\d{3})+$)/g, ',')
}

/** `0.8 s`, `59.9 s`, `2 min 05 s`, `1 h 02 min`. */
export function durationText(ms: number): string {
  const tenths = Math.round(ms / 100)
  if (tenths < 600) return `${Math.floor(tenths / 10)}.${tenths % 10} s`
  const seconds = Math.round(ms / 1000)
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return `${minutes} min ${String(seconds % 60).padStart(2, '0')} s`
  return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, '0')} min`
}

/** `5 s`, `40 s`, `2 min`, `1 h 20 min`: no finer than an estimate is. */
export function roughText(ms: number): string {
  const seconds = Math.max(5, Math.round(ms / 5000) * 5)
  if (seconds < 60) return `${seconds} s`
  const minutes = Math.round(ms / 60_000)
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, '0')} min`
}

/** Rows in a second, `4,300 rows/s`; undefined while there is too little time to tell. */
export function rateText(rows: bigint, ms: number): string | undefined {
  if (ms < 200 || rows === 0n) return undefined
  return `${countText((rows * 1000n) / BigInt(Math.round(ms)))} rows/s`
}

/** `0.3 MB`, `1,204.0 MB`. */
export function megabytesText(bytes: number): string {
  const tenths = BigInt(Math.ceil(bytes / 1e5))
  return `${countText(tenths / 10n)}.${tenths % 10n} MB`
}

/** `1 table`, `2 tables`. */
export function plural(count: number, singular: string): string {
  return `${countText(BigInt(count))} ${singular}${count === 1 ? '' : 's'}`
}
