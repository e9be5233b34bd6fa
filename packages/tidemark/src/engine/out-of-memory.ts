/** Too little memory, as DuckDB tells it: nothing is broken, and the same statement ends with more. */
import { ENGINE_OUT_OF_MEMORY } from '../errors/engine.ts'
import type { Problem } from '../errors/problem.ts'

/**
 * The Problem behind an error that the limit on memory caused; undefined for every other error.
 *
 * @param memory the limit, as it was given to the engine
 */
export function findOutOfMemory(error: unknown, memory: string): Problem | undefined {
  if (!(error instanceof Error) || !error.message.startsWith('Out of Memory Error: ')) return undefined
  return ENGINE_OUT_OF_MEMORY({ memory }, { cause: error })
}
