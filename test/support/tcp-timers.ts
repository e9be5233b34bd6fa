/** What Linux knows of the connections of this machine. */
import { readFile } from 'node:fs/promises'

/** A tick of the timers in that list. */
const TICK_MS = 10
const [ESTABLISHED, KEEP_ALIVE] = ['01', '02']

/** After how many milliseconds each connection to a port is next asked whether it still stands. */
export async function keepAliveTimers(port: number): Promise<number[]> {
  const wanted = port.toString(16).toUpperCase().padStart(4, '0')
  const lines = (await readFile('/proc/net/tcp', 'utf8')).trim().split('\n').slice(1)
  return lines.flatMap(line => {
    const [, , remote = '', state, , timer = ''] = line.trim().split(/\s+/)
    const [kind, ticks = ''] = timer.split(':')
    const isAsked = remote.endsWith(`:${wanted}`) && state === ESTABLISHED && kind === KEEP_ALIVE
    return isAsked ? [Number.parseInt(ticks, 16) * TICK_MS] : []
  })
}
