/**
 * Writes relations one after the other: the files of one are on their way to the store while the next is written, and those of
 * no more than one, so that neither waits for the other and room is needed for two.
 */
import type { BegunFiles, ParquetWriter, WriteOptions } from '../engine/parquet.ts'
import type { DataFile } from '../log/actions.ts'

/** Nothing is on its way any more once it is disposed of, whatever failed. */
export class FilesInTurn<Rows> implements AsyncDisposable {
  readonly #parquet: ParquetWriter<Rows>
  readonly #options: WriteOptions
  #onTheirWay: Promise<DataFile[]> = Promise.resolve([])

  constructor(parquet: ParquetWriter<Rows>, options: WriteOptions) {
    this.#parquet = parquet
    this.#options = options
  }

  /** Write rows, and wait until the files of those before are published. Rejects when either fails. */
  async begin(rows: Rows): Promise<BegunFiles> {
    const begun = await this.#begin(rows)
    const before = this.#onTheirWay
    this.#onTheirWay = begun.published
    // Whoever began them looks at them later.
    begun.published.catch(() => undefined)
    await before
    return begun
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#onTheirWay.catch(() => undefined)
  }

  async #begin(rows: Rows): Promise<BegunFiles> {
    if (this.#parquet.begin !== undefined) return await this.#parquet.begin(rows, this.#options)
    return { published: Promise.resolve(await this.#parquet.write(rows, this.#options)) }
  }
}

/** All files of what was begun, in its order. */
export async function publishedFiles(begun: readonly BegunFiles[]): Promise<DataFile[]> {
  return (await Promise.all(begun.map(({ published }) => published))).flat()
}
