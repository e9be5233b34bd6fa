/** A flow whose run dies is simply run again: no row lost, none doubled, none twice in quarantine. */
import { expect, test } from 'vitest'
import { kinds, surviveFaults } from './flows-faults.ts'

test.each(kinds)(
  '%s: any seventeenth store call may fail, before or after it took effect',
  { timeout: 240_000 },
  async kind => {
    expect(await surviveFaults(kind, { first: 3, stride: 17 })).toBeGreaterThan(5)
  },
)
