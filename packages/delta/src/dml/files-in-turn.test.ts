import { expect, test } from 'vitest'
import type { ParquetWriter } from '../engine/parquet.ts'
import type { DataFile } from '../log/actions.ts'
import { dataFile, ROW_SCHEMA, type Row } from '../../test/support/rows.ts'
import { FilesInTurn, publishedFiles } from './files-in-turn.ts'

const OPTIONS = { tablePath: 't', schema: ROW_SCHEMA }
const rows = (id: number): Row[] => [{ id, name: 'n' }]

/** A writer whose files are published when the test says so; `log` tells what was written and published, in order. */
function slowWriter(): ParquetWriter<Row[]> & { log: string[]; publish: (id: number, failure?: Error) => void } {
  const log: string[] = []
  const waiting = new Map<number, PromiseWithResolvers<DataFile[]>>()
  return {
    log,
    publish: (id, failure) => {
      log.push(`published ${id}`)
      if (failure === undefined) waiting.get(id)?.resolve([dataFile(`f${id}`, rows(id))])
      else waiting.get(id)?.reject(failure)
    },
    write: () => Promise.reject(new Error('it is written in two halves')),
    begin: async ([row]) => {
      const id = row?.id ?? 0
      const published = Promise.withResolvers<DataFile[]>()
      waiting.set(id, published)
      log.push(`written ${id}`)
      return { published: published.promise }
    },
  }
}

const turn = (): Promise<void> => new Promise(resolve => setImmediate(resolve))

test('rows are written while the files before them are on their way, and those of no more than one are', async () => {
  const writer = slowWriter()
  await using files = new FilesInTurn(writer, OPTIONS)
  const first = await files.begin(rows(1))
  const second = files.begin(rows(2))
  const third = second.then(() => files.begin(rows(3)))
  await turn()
  expect(writer.log).toEqual(['written 1', 'written 2'])
  writer.publish(1)
  await turn()
  expect(writer.log).toEqual(['written 1', 'written 2', 'published 1', 'written 3'])
  writer.publish(2)
  writer.publish(3)
  const all = await publishedFiles([first, await second, await third])
  expect(all.map(file => file.path)).toEqual(['f1', 'f2', 'f3'])
})

test('after a failure nothing is on its way any more', async () => {
  const writer = slowWriter()
  const files = new FilesInTurn(writer, OPTIONS)
  await files.begin(rows(1))
  const second = files.begin(rows(2))
  await turn()
  writer.publish(1, new Error('the disk is full'))
  await expect(second).rejects.toThrow('the disk is full')
  let isDone = false
  const disposed = files[Symbol.asyncDispose]().then(() => (isDone = true))
  await turn()
  expect(isDone).toBe(false)
  writer.publish(2, new Error('the disk is full'))
  await disposed
})

test('a writer that knows no halves writes one after the other', async () => {
  const write: ParquetWriter<Row[]>['write'] = async ([row]) => [dataFile(`f${row?.id}`, rows(row?.id ?? 0))]
  await using files = new FilesInTurn({ write }, OPTIONS)
  const begun = [await files.begin(rows(1)), await files.begin(rows(2))]
  expect((await publishedFiles(begun)).map(file => file.path)).toEqual(['f1', 'f2'])
})
