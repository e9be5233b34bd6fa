import fc from 'fast-check'
import { expect, test } from 'vitest'
import { memoryStore } from '../../test/support/memory-store.ts'
import { publish } from '../../test/support/publish.ts'
import { ROW_SCHEMA, type Row, rowWriter, tableRows, testPorts } from '../../test/support/rows.ts'
import { commitPath } from '../log/log-path.ts'
import { field } from '../schema/schema.ts'
import { refreshSnapshot } from '../snapshot/read-snapshot.ts'
import { commit } from '../write/commit.ts'
import { stageAppend, stageCreate, stageMetadata, stageOverwrite } from '../write/stage.ts'
import { stageRestore } from './restore.ts'

const info = { operation: 'WRITE' }

async function makeTable() {
  const store = memoryStore()
  const ports = testPorts(store)
  let names = 0
  const parquet = rowWriter(store, () => `part-${(names += 1)}`)
  const write = (rows: Row[]) => parquet.write(rows, { tablePath: 't', schema: ROW_SCHEMA })
  const snapshot = await publish(ports, stageCreate({ tablePath: 't', schema: ROW_SCHEMA, info }))
  return { store, ports, write, snapshot }
}

test('whatever happened, any version comes back as it was, by a new commit', async () => {
  const step = fc.constantFrom('append', 'overwrite', 'column', 'setting', 'restore')
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 10 }), fc.nat(), async (steps, seed) => {
      const { store, ports, write, snapshot: start } = await makeTable()
      const history = [start]
      for (const [i, kind] of steps.entries()) {
        const last = history.at(-1) ?? start
        const to = history[(seed + i) % history.length] ?? start
        const files = await write([{ id: i, name: kind }])
        const schema = { ...last.schema, fields: [...last.schema.fields, field(`c${i}`, 'long')] }
        const staged = {
          append: () => stageAppend(last, { files, info }),
          overwrite: () => stageOverwrite(last, { files, schema: ROW_SCHEMA, info }),
          column: () => stageMetadata(last, { schema, info }),
          setting: () => stageMetadata(last, { configuration: { [`own.${i % 2}`]: String(i) }, info }),
          restore: () => stageRestore(ports, { snapshot: last, to }),
        }[kind]
        const after = await publish(ports, await staged())
        if (kind === 'restore') {
          expect([...after.files.keys()].toSorted()).toEqual([...to.files.keys()].toSorted())
          expect(await tableRows(store, after)).toEqual(await tableRows(store, to))
          expect(after.schema).toEqual(to.schema)
          expect(after.configuration).toEqual(to.configuration)
        }
        expect(after.version).toBe(last.version + 1n)
        history.push(after)
      }
    }),
    { numRuns: 100 },
  )
})

test('a version whose files were removed is refused with one of them, and nothing changes', async () => {
  const { store, ports, write, snapshot } = await makeTable()
  const old = await publish(ports, stageAppend(snapshot, { files: await write([{ id: 1, name: 'a' }]), info }))
  const now = await publish(ports, stageOverwrite(old, { files: [], info }))
  await store.delete('t/part-1')
  await expect(stageRestore(ports, { snapshot: now, to: old })).rejects.toMatchObject({
    code: 'FILE_MISSING',
    details: { file: 't/part-1', count: 1 },
  })
})

test('a commit that came in between is a conflict, whatever it did', async () => {
  const { ports, write, snapshot } = await makeTable()
  const files = await write([{ id: 1, name: 'a' }])
  const old = await publish(ports, stageAppend(snapshot, { files, info }))
  const staged = await stageRestore(ports, { snapshot: old, to: snapshot })
  await publish(ports, stageAppend(old, { files: await write([{ id: 2, name: 'b' }]), info }))
  expect(await commit(ports, staged)).toMatchObject({ kind: 'conflict' })
})

test('a missing file is found whatever its folder is called', async () => {
  const { store, ports, write, snapshot } = await makeTable()
  const [file] = await write([{ id: 1, name: 'a' }])
  if (file === undefined) throw new Error('nothing was written')
  const path = `at=10:00/${file.path}`
  const old = await publish(ports, stageAppend(snapshot, { files: [{ ...file, path }], info }))
  const now = await publish(ports, stageOverwrite(old, { files: [], info }))
  expect([...store.objects.keys()]).not.toContain(`t/${path}`)
  await expect(stageRestore(ports, { snapshot: now, to: old })).rejects.toMatchObject({
    code: 'FILE_MISSING',
    details: { file: `t/${path}` },
  })
})

test('files of other writers come back as they were: without statistics, or from elsewhere', async () => {
  const { store, ports, snapshot } = await makeTable()
  const add = { partitionValues: {}, size: 1, modificationTime: 1, dataChange: true }
  const lines = ['bare', 'file:/elsewhere/b'].map(path => JSON.stringify({ add: { ...add, path } }))
  await store.put('t/bare', new Uint8Array([1]))
  await store.put(commitPath('t', 1n), new TextEncoder().encode(lines.join('\n')))
  const old = await refreshSnapshot(ports, snapshot)
  const now = await publish(ports, stageOverwrite(old, { files: [], info }))
  const back = await publish(ports, await stageRestore(ports, { snapshot: now, to: old }))
  expect([...back.files]).toEqual([...old.files])
})

test('with row tracking, a file that cannot tell its rows gets no ids and so does not come back', async () => {
  const { store, ports, snapshot } = await makeTable()
  const add = { path: 'bare', partitionValues: {}, size: 1, modificationTime: 1, dataChange: true }
  await store.put('t/bare', new Uint8Array([1]))
  await store.put(commitPath('t', 1n), new TextEncoder().encode(JSON.stringify({ add })))
  const old = await refreshSnapshot(ports, snapshot)
  const empty = await publish(ports, stageOverwrite(old, { files: [], info }))
  const now = await publish(ports, stageMetadata(empty, { features: ['rowTracking'], info }))
  await expect(stageRestore(ports, { snapshot: now, to: old })).rejects.toMatchObject({
    code: 'WRITE_REFUSED',
    message: expect.stringContaining('bare'),
  })
})

test.each([
  [
    'outside the store, which nobody can look for',
    { storageType: 'p', pathOrInlineDv: 'file:/elsewhere/v.bin' },
    undefined,
  ],
  ['named by no uuid', { storageType: 'u', pathOrInlineDv: 'short' }, 'FILE_INVALID'],
] as const)('a version with a deletion vector %s', async (_how, where, refusal) => {
  const { store, ports, write, snapshot } = await makeTable()
  const added = await publish(ports, stageAppend(snapshot, { files: await write([{ id: 1, name: 'a' }]), info }))
  const vector = { ...where, sizeInBytes: 1, cardinality: 1n }
  const files = new Map([...added.files].map(([path, file]) => [path, { ...file, deletionVector: vector }]))
  const staged = stageRestore({ store }, { snapshot: added, to: { ...added, files } })
  if (refusal === undefined) await expect(staged).resolves.toMatchObject({ add: [{ deletionVector: vector }] })
  else await expect(staged).rejects.toMatchObject({ code: refusal, details: { dataFile: [...added.files.keys()][0] } })
})
