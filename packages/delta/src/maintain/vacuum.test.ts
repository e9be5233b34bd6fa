import fc from 'fast-check'
import { expect, test } from 'vitest'
import { memoryStore } from '../../test/support/memory-store.ts'
import { publish } from '../../test/support/publish.ts'
import { jsonParquet } from '../../test/support/json-parquet.ts'
import { ROW_SCHEMA, type Row, rowWriter, testPorts } from '../../test/support/rows.ts'
import { field, type StructType } from '../schema/schema.ts'
import { cleanLog } from '../keep/clean-log.ts'
import { writeCheckpoint } from '../keep/write-checkpoint.ts'
import { readSnapshot } from '../snapshot/read-snapshot.ts'
import { stageAppend, stageCreate, stageRemoveAndAdd } from '../write/stage.ts'
import { vacuum } from './vacuum.ts'

const HOUR_MS = 60 * 60 * 1000
const DAY_MS = 24 * HOUR_MS
const info = { operation: 'WRITE' }
const rows: Row[] = [{ id: 1, name: 'a' }]

/** A table in a store whose clock is the writer's. */
async function makeTable(configuration: Readonly<Record<string, string>> = {}) {
  const time = { now: (): number => 0 }
  const store = memoryStore(() => time.now())
  const ports = testPorts(store)
  time.now = ports.clock.now
  let names = 0
  const parquet = rowWriter(store, () => `part-${(names += 1)}`)
  const write = () => parquet.write(rows, { tablePath: 't', schema: ROW_SCHEMA })
  const snapshot = await publish(ports, stageCreate({ tablePath: 't', schema: ROW_SCHEMA, configuration, info }))
  return { store, ports, write, snapshot }
}

const dataFiles = (store: { objects: ReadonlyMap<string, unknown> }): string[] =>
  [...store.objects.keys()].filter(path => !path.startsWith('t/_delta_log/'))

test('whatever was written and when, every version within the retention keeps its files, and older garbage goes', async () => {
  const step = fc.record({
    kind: fc.constantFrom('append', 'replace', 'orphan', 'wait', 'vacuum'),
    waitMs: fc.integer({ min: 0, max: 5 * DAY_MS }),
  })
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 14 }), async steps => {
      const { store, ports, write, snapshot: start } = await makeTable()
      let snapshot = start
      const history = [{ snapshot, at: ports.clock.now() }]
      for (const { kind, waitMs } of [...steps, { kind: 'vacuum', waitMs: 1 }]) {
        await ports.clock.sleep(waitMs)
        if (kind === 'vacuum') await vacuum(ports, { tablePath: 't' })
        if (kind === 'append' || kind === 'orphan' || kind === 'replace') {
          const files = await write()
          const remove = [...snapshot.files.keys()]
          if (kind === 'append') snapshot = await publish(ports, stageAppend(snapshot, { files, info }))
          if (kind === 'replace') {
            snapshot = await publish(ports, stageRemoveAndAdd(snapshot, { remove, files, dataChange: true, info }))
          }
        }
        if (snapshot !== history.at(-1)?.snapshot) history.push({ snapshot, at: ports.clock.now() })
      }
      const oldest = ports.clock.now() - 7 * DAY_MS
      const left = new Set(dataFiles(store))
      const current = history.filter((_, i) => (history[i + 1]?.at ?? Infinity) >= oldest)
      const needed = new Set(current.flatMap(one => [...one.snapshot.files.keys()]).map(path => `t/${path}`))
      for (const path of needed) expect(left).toContain(path)
      for await (const { path, modifiedAt } of store.list('t')) {
        if (left.has(path) && !needed.has(path)) expect(modifiedAt).toBeGreaterThanOrEqual(oldest)
      }
    }),
    { numRuns: 150 },
  )
})

test('a file that no commit names stays while its writer may still be about to commit it', async () => {
  const { store, ports, write, snapshot } = await makeTable()
  const files = await write()
  await ports.clock.sleep(6 * DAY_MS)
  expect((await vacuum(ports, { tablePath: 't' })).removed).toEqual([])
  await publish(ports, stageAppend(snapshot, { files, info }))
  await ports.clock.sleep(30 * DAY_MS)
  expect((await vacuum(ports, { tablePath: 't' })).removed).toEqual([])
  expect(dataFiles(store)).toEqual(['t/part-1'])
})

test('a dry run names what would go, with its size, and removes nothing', async () => {
  const { store, ports, write } = await makeTable()
  await write()
  await ports.clock.sleep(8 * DAY_MS)
  const found = await vacuum(ports, { tablePath: 't', dryRun: true })
  expect(found).toEqual({ version: 0n, removed: ['t/part-1'], sizeBytes: 21n })
  expect(dataFiles(store)).toEqual(['t/part-1'])
  expect(await vacuum(ports, { tablePath: 't' })).toEqual(found)
  expect(dataFiles(store)).toEqual([])
})

test('files of others stay: hidden ones, and everything outside the table; change data goes with its commit', async () => {
  const { store, ports } = await makeTable()
  const bytes = new Uint8Array(1)
  const others = ['t/_index/a', 't/.crc', 't/part/_tmp/a', 't/_p=1/a', 'table-2/part-1']
  for (const path of [...others, 't/_change_data/cdc-1', 't/folder/part-1']) await store.put(path, bytes)
  await ports.clock.sleep(8 * DAY_MS)
  const { removed } = await vacuum(ports, { tablePath: 't' })
  expect(removed).toEqual(['t/_change_data/cdc-1', 't/folder/part-1'])
  expect(dataFiles(store).toSorted()).toEqual(others.toSorted())
})

test('a shorter retention than the table demands is refused unless it is asked for by name', async () => {
  const { ports } = await makeTable({ 'delta.deletedFileRetentionDuration': 'interval 2 days' })
  const short = { tablePath: 't', retentionMs: HOUR_MS }
  await expect(vacuum(ports, short)).rejects.toMatchObject({ code: 'WRITE_REFUSED' })
  await expect(vacuum(ports, { ...short, retentionMs: 2 * DAY_MS })).resolves.toMatchObject({ removed: [] })
  await expect(vacuum(ports, { ...short, allowShortRetention: true })).resolves.toMatchObject({ removed: [] })
})

test('where there is no table nothing is removed', async () => {
  const { store, ports } = await makeTable()
  await store.put('other/part-1', new Uint8Array(1))
  await ports.clock.sleep(8 * DAY_MS)
  await expect(vacuum(ports, { tablePath: 'other' })).rejects.toMatchObject({ code: 'NOT_FOUND' })
  expect(store.objects.has('other/part-1')).toBe(true)
})

test('a file stays for as long after its removal as the table demands, also when the commit that removed it is gone', async () => {
  const { store, ports, write, snapshot } = await makeTable({ 'delta.logRetentionDuration': 'interval 1 day' })
  const tables = { ...ports, logParquet: jsonParquet(store) }
  const full = await publish(ports, stageAppend(snapshot, { files: await write(), info }))
  await ports.clock.sleep(30 * DAY_MS)
  const files = await write()
  const remove = [...full.files.keys()]
  const last = await publish(ports, stageRemoveAndAdd(full, { remove, files, dataChange: true, info }))
  await publish(ports, stageAppend(last, { files: await write(), info }))
  await writeCheckpoint(tables, { tablePath: 't' })
  await ports.clock.sleep(3 * DAY_MS)
  expect((await cleanLog(tables, { tablePath: 't' })).oldest).toBe(last.version + 1n)
  expect((await vacuum(tables, { tablePath: 't' })).removed).toEqual([])
  await ports.clock.sleep(5 * DAY_MS)
  expect((await vacuum(tables, { tablePath: 't' })).removed).toEqual(remove.map(path => `t/${path}`))
})

test('files of a table that lies in the folder of another are not its garbage', async () => {
  const { store, ports } = await makeTable()
  const file = (path: string) => store.put(`t/${path}`, new Uint8Array(1))
  await file('orphan')
  await file('inside/part-1')
  await file('inside/_delta_log/00000000000000000000.json')
  await file('inside-not/part-1')
  await ports.clock.sleep(30 * DAY_MS)
  expect((await vacuum(ports, { tablePath: 't' })).removed).toEqual(['t/inside-not/part-1', 't/orphan'])
})

test('only the folders of partitions are looked into although their names say hidden', async () => {
  const { store, ports } = await makeTable()
  const schema: StructType = { type: 'struct', fields: [field('id', 'long'), field('_day of', 'string')] }
  const mapped = { 'delta.columnMapping.mode': 'name' }
  const request = { tablePath: 'u', schema, partitionColumns: ['_day of'], configuration: mapped, info }
  await publish(ports, stageCreate(request))
  for (const path of ['_day%20of=x/part-1', '_day of=x/part-1', '_other=x/part-1', '_tmp=part-1']) {
    await store.put(`u/${path}`, new Uint8Array(1))
  }
  await ports.clock.sleep(30 * DAY_MS)
  expect((await vacuum(ports, { tablePath: 'u' })).removed).toEqual(['u/_day of=x/part-1', 'u/_day%20of=x/part-1'])
})

test('a file that a commit brings back while the folder is listed stays', async () => {
  const { store, ports, write, snapshot } = await makeTable()
  const files = await write()
  await ports.clock.sleep(8 * DAY_MS)
  const list = store.list
  store.list = async function* (prefix, options) {
    yield* list(prefix, options)
    if (prefix === 't') await publish(ports, stageAppend(snapshot, { files, info }))
  }
  expect((await vacuum(ports, { tablePath: 't' })).removed).toEqual([])
  store.list = list
  expect((await readSnapshot(ports, { tablePath: 't' }))?.files.size).toBe(1)
  expect(dataFiles(store)).toEqual(['t/part-1'])
})

test('a file named by an absolute place that is not the store as it is opened stays', async () => {
  const { store, ports, write, snapshot } = await makeTable()
  const [live, orphan] = [...(await write()), ...(await write())]
  if (live === undefined || orphan === undefined) throw new Error('nothing was written')
  const now = await publish(ports, stageAppend(snapshot, { files: [live], info }))
  const log = `t/_delta_log/${String(now.version).padStart(20, '0')}.json`
  const text = new TextDecoder().decode(await store.get(log))
  // What another writer calls the same folder: by a link to it, or by another spelling of its address.
  await store.put(
    log,
    new TextEncoder().encode(text.replace(`"path":"${live.path}"`, `"path":"s3a://other/t/${live.path}"`)),
  )
  await ports.clock.sleep(30 * DAY_MS)
  const { removed } = await vacuum(ports, { tablePath: 't' })
  expect(removed).toEqual([`t/${orphan.path}`])
})
