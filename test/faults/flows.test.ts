/**
 * Every store call in the life of a flow's tables fails once, before it took effect or after, as a coin says; with
 * TIDEMARK_FAULTS=both in both ways.
 */
import { describe, expect, test } from 'vitest'
import { createRandom } from '../../examples/music/random.ts'
import { kinds, MODES, surviveFaults } from '../contract/flows-faults.ts'

const SEED = Number(process.env['TIDEMARK_FAULTS_SEED'] ?? Date.now() % 1_000_000)
const isBoth = process.env['TIDEMARK_FAULTS'] === 'both'

describe(`replay with TIDEMARK_FAULTS_SEED=${SEED}`, () => {
  // Each kind has a lake of its own, and waits for it most of the time.
  test.concurrent.each(kinds)('%s comes out the same whichever store call fails', async kind => {
    const random = createRandom(SEED)
    const modes = () => (isBoth ? MODES : [random.chance(0.5) ? MODES[0] : MODES[1]])
    expect(await surviveFaults(kind, { first: 1, stride: 1, modes })).toBeGreaterThan(isBoth ? 60 : 30)
  })
})
