/**
 * One writer of the race on a local table, as a process of its own: appends, updates, deletes and compacts.
 *
 * Arguments: root folder, name, number of changes, seed.
 */
import { randomUUID } from 'node:crypto'
import { setTimeout } from 'node:timers/promises'
import {
  type AddFile,
  type CommitPorts,
  compare,
  type DataFile,
  type Extras,
  LocalStore,
  type Snapshot,
  type Staged,
  stageAppend,
  stageRemoveAndAdd,
} from '@tidemark/delta'
import { createRandom, type Random } from '../../examples/music/random.ts'
import { makeChanges } from './racer.ts'

const [root = '', name = '', count = '0', seed = '0'] = process.argv.slice(2)
const ports: CommitPorts = {
  store: new LocalStore(root),
  clock: { now: () => Date.now(), sleep: ms => setTimeout(ms) },
  ids: { uuid: randomUUID },
}

/** Rows are names that travel in the file's tags, so that the log alone tells which rows are where. */
const rowsOf = (file: AddFile): string[] => (file.tags?.['rows'] ?? '').split(' ').filter(row => row !== '')

function fileOf(path: string, rows: readonly string[]): DataFile {
  const stats = JSON.stringify({
    numRecords: rows.length,
    minValues: { id: 1 },
    maxValues: { id: 9 },
    nullCount: { id: 0 },
  })
  const tags = { rows: rows.join(' ') }
  return { path, size: 1n, modificationTime: 0, stats, numRecords: BigInt(rows.length), partitionValues: {}, tags }
}

/** What the parent judges the commit by. */
function describe(change: {
  added?: string[]
  deleted?: string[]
  read?: string[]
  sawAll?: boolean
}): Record<string, string> {
  const { added = [], deleted = [], read = [], sawAll = false } = change
  return { added: added.join(' '), deleted: deleted.join(' '), read: read.join(' '), sawAll: String(sawAll) }
}

function stage(base: Snapshot, id: string, random: Random, extras: Omit<Extras, 'info'>): Staged {
  const files = [...base.files.values()]
  const kind = files.length < 4 ? 'append' : random.pick(['append', 'append', 'append', 'update', 'delete', 'compact'])
  const info = (operation: string, operationParameters: Record<string, string>) => ({
    ...extras,
    info: { operation, operationParameters, runId: id },
  })
  if (kind === 'append') {
    const request = info('WRITE', describe({ added: [id] }))
    return stageAppend(base, { files: [fileOf(id, [id])], reads: { kind: 'none' }, ...request })
  }
  const picked = [random.pick(files), random.pick(files), random.pick(files)]
  const chosen = [...new Set(kind === 'compact' ? picked : picked.slice(0, 1))]
  const read = chosen.map(file => file.path)
  const rows = chosen.flatMap(rowsOf)
  if (kind === 'compact') {
    const reads = { kind: 'files' as const, files: read }
    const request = info('OPTIMIZE', describe({ read }))
    return stageRemoveAndAdd(base, { remove: read, files: [fileOf(id, rows)], dataChange: false, reads, ...request })
  }
  // A narrow change looked for rows that no file can hold besides those it read; a broad one for any.
  const sawAll = random.chance(0.3)
  const predicate = sawAll ? undefined : compare('id', '>', '9')
  const reads = { kind: 'files' as const, files: read, predicate }
  const request = info(kind.toUpperCase(), describe({ read, sawAll, deleted: kind === 'delete' ? rows : [] }))
  const add = kind === 'delete' ? [] : [fileOf(id, rows)]
  return stageRemoveAndAdd(base, { remove: read, files: add, dataChange: true, reads, ...request })
}

await makeChanges(ports, { name, count: Number(count) }, (base, { n, tries, id, txn }) => {
  const random = createRandom(Number(seed) + n * 1009 + tries * 9973 + name.charCodeAt(0))
  return stage(base, id, random, { txn })
})
