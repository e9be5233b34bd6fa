/**
 * From finished files in the scratch folder to data files of the table: under new unique names, durable, described as a
 * commit needs them.
 */
import { type DataFile, type ObjectStore, statsFromColumns, type WriteOptions } from '@tidemark/delta'
import type { Scratch } from '../duckdb-scratch.ts'
import { refuseInfinite } from './check-values.ts'
import type { StagedFile } from './stage-rows.ts'

export interface PublishPorts {
  readonly store: ObjectStore
  readonly scratch: Pick<Scratch, 'describe'>
}

/** Files on their way at the same time. */
const LANES = 8

/** Publish the files in their order; `id` makes their names unique. */
export async function publishFiles(
  ports: PublishPorts,
  files: readonly StagedFile[],
  options: WriteOptions,
  id: string,
): Promise<DataFile[]> {
  for (const file of files) refuseInfinite(options, file)
  const published: DataFile[] = []
  const waiting = files.entries()
  const publishNext = async (): Promise<void> => {
    for (const [index, file] of waiting) {
      const prefix = options.purpose === 'changes' ? '_change_data/cdc' : 'part'
      published[index] = await publish(ports, file, options, `${prefix}-${id}-${index}.parquet`)
    }
  }
  await Promise.all(Array.from({ length: LANES }, publishNext))
  return published
}

async function publish(
  { store, scratch }: PublishPorts,
  { file, rowCount, statistics, partitionValues }: StagedFile,
  options: WriteOptions,
  path: string,
): Promise<DataFile> {
  options.signal?.throwIfAborted()
  const { size, modificationTime } = await scratch.describe(file)
  await store.putFile(`${options.tablePath}/${path}`, file, { signal: options.signal })
  return {
    path,
    size,
    modificationTime,
    stats: statsFromColumns(options, rowCount, statistics),
    numRecords: rowCount,
    partitionValues,
  }
}
