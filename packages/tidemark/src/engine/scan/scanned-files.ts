/**
 * Which files a session has scanned, so that an error of DuckDB about one of them can say which table and version needs
 * it. The location alone tells a reader nothing, and may differ from what the log says.
 */
import { DeltaError, type ScanPlan } from '@tidemark/delta'
import { literalPattern } from '../file-list.ts'

interface ScannedFile {
  readonly tablePath: string
  readonly version: bigint
  /** The add path. */
  readonly file: string
}

export class ScannedFiles {
  readonly #byLocation = new Map<string, ScannedFile>()

  add({ tablePath, version }: ScanPlan, file: string, location: string): void {
    this.#byLocation.set(location, { tablePath, version, file })
  }

  /** A DeltaError when the error speaks of one of the files, else the error as it is. */
  translate(error: unknown): unknown {
    if (!(error instanceof Error) || error instanceof DeltaError) return error
    const { message } = error
    const location = [...this.#byLocation.keys()]
      .filter(known => message.includes(known) || message.includes(literalPattern(known)))
      .sort((a, b) => b.length - a.length)[0]
    return location === undefined ? error : this.describe(location, error)
  }

  /** The error about a file that was added before. */
  describe(location: string, cause: Error): DeltaError {
    const place = this.#byLocation.get(location)
    const reason = cause.message.replace(/\s*LINE \d+:[^]*$/, '').replace(/\.$/, '')
    const isMissing = /No files found|No such file|Cannot open file/.test(reason)
    const what = `The data file ${place?.file} of version ${place?.version} of ${place?.tablePath}`
    const message = isMissing ? `${what} does not exist.` : `${what} cannot be read: ${reason}.`
    return new DeltaError(isMissing ? 'FILE_MISSING' : 'FILE_INVALID', message, { ...place, location }, cause)
  }
}
