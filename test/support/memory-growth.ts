/** By how much the memory of this process grows at the most while something is done. */
import { readFileSync, writeFileSync } from 'node:fs'

/**
 * KiB beyond what the process holds before. Linux says the highest since it was asked to forget; the peak that any system tells
 * is that of the process's whole life, and on Linux of its parent's, so that elsewhere less shows than there was.
 */
export async function memoryGrowth(work: () => Promise<unknown>): Promise<number> {
  const highest = forgetHighest() ? highestSince : () => process.resourceUsage().maxRSS
  const before = highest()
  await work()
  return highest() - before
}

/** False where the system keeps no such account. */
function forgetHighest(): boolean {
  try {
    writeFileSync('/proc/self/clear_refs', '5')
    return highestSince() > 0
  } catch {
    return false
  }
}

function highestSince(): number {
  const [, kiB = ''] = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8')) ?? []
  return Number(kiB)
}
