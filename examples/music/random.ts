/**
 * Chance that repeats: the same seed gives the same numbers on every machine, so the demo shows everybody the same rows.
 */

export interface Random {
  /** A whole number, both ends included. */
  integer(min: number, max: number): number
  /** One of the values, each as likely as the others. */
  pick<T>(values: readonly T[]): T
  /** True in `share` of the calls, 0 to 1. */
  chance(share: number): boolean
}

/** Mulberry32: 32 bits of state, good enough to fill tables. */
export function createRandom(seed: number): Random {
  let state = seed >>> 0
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  return {
    integer: (min, max) => min + Math.floor(next() * (max - min + 1)),
    pick: values => {
      const value = values[Math.floor(next() * values.length)]
      if (value === undefined) throw new RangeError('there is nothing to pick from')
      return value
    },
    chance: share => next() < share,
  }
}
