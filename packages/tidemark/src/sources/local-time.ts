/** Instants by which a cursor is bounded, and the same as times without a zone. */
import type { CursorCap } from './source.ts'

/** The instant, in microseconds since 1970, up to which a cap trusts the clock; undefined when nothing bounds it now. */
export function capInstant(
  cap: Exclude<CursorCap, { kind: 'newest' }>,
  clock: { nowUs: bigint; openSinceUs: bigint | undefined },
  marginUs: bigint,
): bigint | undefined {
  if (cap.kind === 'lag') return clock.nowUs - BigInt(cap.ms) * 1000n
  return clock.openSinceUs === undefined ? undefined : clock.openSinceUs - marginUs
}

/**
 * A bound below which no local time lies that a clock of this zone shows from this instant on: when clocks go back within
 * the next hours, later rows carry earlier local times, and the bound goes back with them.
 *
 * @param second since 1970
 */
export function localBound(second: bigint, timezone: string): string {
  const now = printLocal(second, timezone)
  const ahead = 3n * 3600n
  const afterFold = shiftBack(printLocal(second + ahead, timezone), ahead)
  return earlier(now, afterFold)
}

/**
 * The same, where writers may also have used the clock that the server shows them: the earlier of what both zones show.
 *
 * @param aheadOfUtc seconds, without summer time
 */
export function localBoundOfBoth(second: bigint, timezone: string, aheadOfUtc: number): string {
  return earlier(localBound(second, timezone), printLocal(second + BigInt(aheadOfUtc), 'UTC'))
}

const earlier = (a: string, b: string): string => (a < b ? a : b)

/** `2026-01-31 23:59:59` in a zone. */
export function printLocal(second: bigint, timezone: string): string {
  const format = new Intl.DateTimeFormat('en-CA', {
    timeZone: timezone,
    hourCycle: 'h23',
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
  })
  const parts = new Map(format.formatToParts(Number(second * 1000n)).map(part => [part.type, part.value]))
  const get = (type: Intl.DateTimeFormatPartTypes): string => parts.get(type) ?? ''
  return `${get('year').padStart(4, '0')}-${get('month')}-${get('day')} ${get('hour')}:${get('minute')}:${get('second')}`
}

/** The local time some seconds before another, by the calendar alone. */
function shiftBack(local: string, seconds: bigint): string {
  const [year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0] = local.split(/[- :]/).map(Number)
  const asUtc = BigInt(daysSince1970(year, month, day)) * 86_400n + BigInt(hour * 3600 + minute * 60 + second)
  return printLocal(asUtc - seconds, 'UTC')
}

/** Days of the proleptic Gregorian calendar, counted from March so that leap days come last. */
function daysSince1970(year: number, month: number, day: number): number {
  const y = month > 2 ? year : year - 1
  const m = month > 2 ? month - 3 : month + 9
  return (
    365 * y +
    Math.floor(y / 4) -
    Math.floor(y / 100) +
    Math.floor(y / 400) +
    Math.floor((153 * m + 2) / 5) +
    day -
    719_469
  )
}
