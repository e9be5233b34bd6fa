import fc from 'fast-check'
import { expect, test } from 'vitest'
import { faultyStore } from '../../test/support/faulty-store.ts'
import { type MemoryStore, memoryStore } from '../../test/support/memory-store.ts'
import type { DeletionVectorDescriptor } from '../log/actions.ts'
import { readDeletionVectors } from './read-vectors.ts'
import { RowSet } from './row-set.ts'
import { vectorFilePath } from './vector-location.ts'
import { writeDeletionVectors } from './write-vectors.ts'
import { parseZ85, printZ85 } from './z85.ts'

const UUID = 'd2c639aa-8816-431a-aaf6-d3fe2512ff61'
const FILE = `lake/t/deletion_vector_${UUID}.bin`
const ids = { uuid: () => UUID }

async function written(...sets: RowSet[]): Promise<{ store: MemoryStore; vectors: DeletionVectorDescriptor[] }> {
  const store = memoryStore()
  return { store, vectors: await writeDeletionVectors({ store, ids }, 'lake/t', sets) }
}

const read = (store: MemoryStore, ...vectors: DeletionVectorDescriptor[]): Promise<RowSet[]> =>
  readDeletionVectors(
    { store, tablePath: 'lake/t', version: 7n },
    vectors.map((vector, i) => ({ dataFile: `part-${i}`, vector })),
  )

test('several vectors lie in one file, which is read once, and come back in the order asked for', async () => {
  const sets = [RowSet.from([1, 5]), RowSet.from([70_000]), RowSet.from([0, 2 ** 40])]
  const { store, vectors } = await written(...sets)
  expect([...store.objects.keys()]).toEqual([FILE])
  expect(vectors[0]).toMatchObject({
    storageType: 'u',
    pathOrInlineDv: '^-aqEH.-t@S}K{vb[*k^',
    offset: 1,
    cardinality: 2n,
  })
  const [a, b, c] = vectors as [DeletionVectorDescriptor, DeletionVectorDescriptor, DeletionVectorDescriptor]
  const rows = await read(store, c, a, b, a)
  expect(rows.map(set => [...set])).toEqual([[0, 2 ** 40], [1, 5], [70_000], [1, 5]])
  expect(store.counts.get).toBe(1)
})

test('no vectors make no file, and an empty one is refused', async () => {
  const { store, vectors } = await written()
  expect([vectors, store.objects.size]).toEqual([[], 0])
  await expect(written(RowSet.empty)).rejects.toMatchObject({ code: 'STAGE_INVALID' })
})

test('a name that is taken by other bytes is refused, one taken by the same bytes is ours', async () => {
  const { store, vectors } = await written(RowSet.from([1]))
  expect(await writeDeletionVectors({ store, ids }, 'lake/t', [RowSet.from([1])])).toEqual(vectors)
  const other = writeDeletionVectors({ store, ids }, 'lake/t', [RowSet.from([2])])
  await expect(other).rejects.toMatchObject({ code: 'NOT_WRITTEN' })
})

test('a vector of the log itself is decoded from its text', async () => {
  const pathOrInlineDv = '^Bg9^0rr910000000000iXQKl0rr91000f55c8Xg0@@D72lkbi5=-{L'
  const inline = { storageType: 'i', pathOrInlineDv, sizeInBytes: 44, cardinality: 6n } as const
  const [rows] = await read(memoryStore(), inline)
  expect([...(rows ?? [])]).toEqual([3, 4, 7, 11, 18, 29])
})

test('the undocumented native format is refused by name', async () => {
  const pathOrInlineDv = 'wi5b=000010000siXQKl0rr91000f55c8Xg0@@D72lkbi5=-{L'
  const inline = { storageType: 'i', pathOrInlineDv, sizeInBytes: 40, cardinality: 6n } as const
  await expect(read(memoryStore(), inline)).rejects.toMatchObject({
    code: 'FILE_INVALID',
    details: { tablePath: 'lake/t', version: 7n, dataFile: 'part-0' },
  })
})

test('a uuid names a file in the table, or in a folder before it', () => {
  const vector = {
    storageType: 'u',
    pathOrInlineDv: 'ab^-aqEH.-t@S}K{vb[*k^',
    offset: 4,
    sizeInBytes: 40,
    cardinality: 6n,
  } as const
  expect(vectorFilePath(memoryStore(), 't', vector)).toBe(`t/ab/deletion_vector_${UUID}.bin`)
  const { pathOrInlineDv } = vector
  expect(vectorFilePath(memoryStore(), 't', { ...vector, pathOrInlineDv: pathOrInlineDv.slice(2) })).toBe(
    `t/deletion_vector_${UUID}.bin`,
  )
})

test('an absolute path is read inside the store and refused outside of it', async () => {
  const { store, vectors } = await written(RowSet.from([3]))
  const [vector] = vectors as [DeletionVectorDescriptor]
  for (const pathOrInlineDv of [`file:///memory/${FILE}`, `/memory/${FILE}`]) {
    const [rows] = await read(store, { ...vector, storageType: 'p', pathOrInlineDv })
    expect([...(rows ?? [])]).toEqual([3])
  }
  for (const pathOrInlineDv of ['file:///etc/passwd', '/memory/../etc/passwd', 's3://bucket/x.bin', '%']) {
    const reading = read(store, { ...vector, storageType: 'p', pathOrInlineDv })
    await expect(reading).rejects.toMatchObject({ code: 'FILE_INVALID', details: { file: pathOrInlineDv } })
  }
})

test('a missing file is named', async () => {
  const { store, vectors } = await written(RowSet.from([3]))
  store.objects.clear()
  const missing = { code: 'FILE_MISSING', details: { file: FILE, tablePath: 'lake/t', version: 7n } }
  await expect(read(store, ...vectors)).rejects.toMatchObject(missing)
})

test('any changed or missing byte of a file is an error that names the file', async () => {
  const { store, vectors } = await written(RowSet.from([3, 9, 27, 70_000]))
  const bytes = store.objects.get(FILE) ?? new Uint8Array()
  const wrong = { code: 'FILE_INVALID', details: { file: FILE, tablePath: 'lake/t', version: 7n, dataFile: 'part-0' } }
  for (let i = 0; i < bytes.length; i += 1) {
    store.objects.set(FILE, bytes.subarray(0, i))
    await expect(read(store, ...vectors)).rejects.toMatchObject(wrong)
    const changed = bytes.slice()
    changed[i] = (changed[i] ?? 0) ^ 4
    store.objects.set(FILE, changed)
    await expect(read(store, ...vectors)).rejects.toMatchObject(wrong)
  }
})

test.each([
  ['its number of rows', { cardinality: 5n }],
  ['its size', { sizeInBytes: 20 }],
  ['its place', { offset: 2 }],
  ['a place outside the file', { offset: 1000 }],
  ['a name of no uuid', { pathOrInlineDv: 'short' }],
  ['a name of foreign characters', { pathOrInlineDv: '"'.repeat(20) }],
  ['a folder outside the table', { pathOrInlineDv: '../x^-aqEH.-t@S}K{vb[*k^' }],
])('a descriptor that is wrong about %s is refused', async (_what, change) => {
  const { store, vectors } = await written(RowSet.from([3, 9, 27, 70_000]))
  const [vector] = vectors as [DeletionVectorDescriptor]
  await expect(read(store, { ...vector, ...change })).rejects.toMatchObject({ code: 'FILE_INVALID' })
})

test('Z85 text stands for the bytes it was printed from, and broken text for none', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), bytes => {
      const parsed = parseZ85(printZ85(bytes))
      expect([...parsed.subarray(0, bytes.length)]).toEqual([...bytes])
      expect(parsed.length - bytes.length).toBeLessThan(4)
    }),
  )
  expect(printZ85(Uint8Array.of(0x86, 0x4f, 0xd2, 0x6f, 0xb5, 0x59, 0xf7, 0x5b))).toBe('HelloWorld')
  for (const text of ['1234', '#####', '1234,', '12345é']) expect(() => parseZ85(text)).toThrow(TypeError)
})

test('a store that fails after it wrote leaves no half of a file, and the next attempt has another name', async () => {
  const inner = memoryStore()
  const store = faultyStore(inner, { call: 1, mode: 'after' })
  const uuids = [UUID, UUID.replace('d2', 'd3')]
  const ports = { store, ids: { uuid: () => uuids.shift() ?? '' } }
  await expect(writeDeletionVectors(ports, 'lake/t', [RowSet.from([1])])).rejects.toThrow('the store failed')
  const vectors = await writeDeletionVectors(ports, 'lake/t', [RowSet.from([1])])
  const [rows] = await read(inner, ...vectors)
  expect([...(rows ?? [])]).toEqual([1])
})
