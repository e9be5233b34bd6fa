/**
 * One writer as a process of its own: appends `count` commits to a local table, planning again after each conflict,
 * and prints every version it was told is its own.
 */
import { randomUUID } from 'node:crypto'
import { setTimeout } from 'node:timers/promises'
import { commit, LocalStore, readSnapshot, stageAppend } from '../../src/index.ts'
import { dataFile } from './rows.ts'

const [root = '', name = '', count = '0'] = process.argv.slice(2)
const store = new LocalStore(root)
const clock = { now: () => Date.now(), sleep: (ms: number) => setTimeout(ms) }

for (let i = 0; i < Number(count); ) {
  const snapshot = await readSnapshot({ store }, { tablePath: 't' })
  if (!snapshot) throw new Error('no table')
  const info = { operation: 'WRITE', runId: `${name}-${i}` }
  const staged = stageAppend(snapshot, { files: [dataFile(`${name}-${i}`, [])], info })
  const result = await commit({ store, clock, ids: { uuid: randomUUID } }, staged)
  if (result.kind === 'conflict') continue
  process.stdout.write(`${result.version} ${name}-${i}\n`)
  i += 1
}
