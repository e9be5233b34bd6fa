/** Checkpoints come by themselves as tables of a lake grow, by the engine inside its closed folders. */
import { field, readSnapshot, type StructType } from '@tidemark/delta'
import { expect, test } from 'vitest'
import { openTestLake } from './flows-lake.ts'

const schema: StructType = { type: 'struct', fields: [field('id', 'long')] }

test('a table of more than a hundred commits is opened from a checkpoint, with the rows it had', async () => {
  await using lake = await openTestLake()
  for (let i = 0; i < 105; i += 1) await lake.append('bronze.t', schema, [{ id: i }])
  const tables = { store: lake.store, logParquet: lake.engine.logParquet }
  const snapshot = await readSnapshot(tables, { tablePath: 'bronze/t' })
  expect(snapshot).toMatchObject({ version: 104n, log: { checkpoint: 99n } })
  expect(snapshot?.files.size).toBe(105)
  expect(await lake.rows('bronze.t', ['id'])).toHaveLength(105)
  const whole = await readSnapshot({ store: lake.store }, { tablePath: 'bronze/t' })
  const plain = (files = snapshot?.files): object[] =>
    [...(files?.values() ?? [])].map(({ dataChange: _change, ...file }) => file)
  expect(new Set(plain())).toEqual(new Set(plain(whole?.files)))
})
