/** Every store call in the life of a flow's tables fails once, before and after it took effect. */
import { expect, test } from 'vitest'
import { kinds, surviveFaults } from '../contract/flows-faults.ts'

test.each(kinds)('%s comes out the same whichever store call fails', async kind => {
  expect(await surviveFaults(kind, { first: 1, stride: 1 })).toBeGreaterThan(60)
})
