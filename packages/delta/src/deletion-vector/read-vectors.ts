/**
 * Reading deletion vectors: found, checked against their checksum and their descriptor, and decoded. A vector that
 * cannot be read exactly is an error: without it, deleted rows would come back.
 */
import { crc32 } from 'node:zlib'
import { DeltaError, isDeltaError } from '../errors.ts'
import type { DeletionVectorDescriptor } from '../log/actions.ts'
import type { ObjectStore } from '../store/store.ts'
import { parseRowSet } from './parse-row-set.ts'
import type { RowSet } from './row-set.ts'
import { vectorFilePath } from './vector-location.ts'
import { parseZ85 } from './z85.ts'

/** The one version of the file format there is; the first byte of a file. */
export const FILE_VERSION = 1

/** Files read at the same time. */
const READ_AHEAD = 16

/** The file a vector belongs to, for messages; its version too, when the caller knows it. */
export interface VectorRequest {
  readonly dataFile: string
  readonly vector: DeletionVectorDescriptor
}

export interface VectorContext {
  readonly store: ObjectStore
  readonly tablePath: string
  /** Version of the table at which the vectors hold. */
  readonly version?: bigint | undefined
  readonly signal?: AbortSignal | undefined
}

/**
 * The deleted rows of each request, in its order. A file that holds several of the vectors is read once.
 *
 * @throws FILE_MISSING when a vector's file does not exist
 * @throws FILE_INVALID when a vector is damaged, or is not what its descriptor says
 *
 * @example
 * ```ts
 * const [vector] = await writeDeletionVectors(ports, 'people', [RowSet.from([1, 5])])
 * const wanted = vector ? [{ dataFile: 'a', vector }] : []
 * const [rows = RowSet.empty] = await readDeletionVectors({ store, tablePath: 'people', version: 1n }, wanted)
 * console.log([...rows]) // [ 1, 5 ]
 * ```
 */
export async function readDeletionVectors(
  context: VectorContext,
  requests: readonly VectorRequest[],
): Promise<RowSet[]> {
  const results: RowSet[] = []
  const places = requests.map(request => locateVector(context, request))
  const files = [...Map.groupBy(places.keys(), index => places[index])]
  const readFiles = async (): Promise<void> => {
    for (let next = files.shift(); next !== undefined; next = files.shift()) {
      const [file, indexes] = next
      const bytes = file === undefined ? undefined : await readFile(context, file)
      for (const index of indexes) {
        const request = requests[index]
        if (request !== undefined) results[index] = checked(context, request, () => parseVector(request.vector, bytes))
      }
    }
  }
  await Promise.all(Array.from({ length: READ_AHEAD }, readFiles))
  return results
}

async function readFile(context: VectorContext, path: string): Promise<Uint8Array> {
  const { store, tablePath, version, signal } = context
  try {
    return await store.get(path, { signal })
  } catch (error) {
    if (!isDeltaError(error, 'NOT_FOUND')) throw error
    const message = `The deletion vectors in ${path}, which ${at(context)} needs, do not exist.`
    throw new DeltaError('FILE_MISSING', message, { tablePath, version, file: path }, error)
  }
}

/** Decode one vector; `file` holds the bytes of the whole file, undefined for a vector that lies in the log. */
function parseVector(vector: DeletionVectorDescriptor, file: Uint8Array | undefined): RowSet {
  const rows = parseRowSet(file === undefined ? inlineBytes(vector) : bytesInFile(vector, file))
  if (BigInt(rows.size) === vector.cardinality) return rows
  throw new TypeError(`it deletes ${rows.size} rows while the log says ${vector.cardinality}`)
}

function inlineBytes({ pathOrInlineDv, sizeInBytes }: DeletionVectorDescriptor): Uint8Array {
  const bytes = parseZ85(pathOrInlineDv)
  // The text stands for whole groups of four bytes.
  if (bytes.length - sizeInBytes < 0 || bytes.length - sizeInBytes > 3) {
    throw new TypeError(`it has ${bytes.length} bytes while the log says ${sizeInBytes}`)
  }
  return bytes.subarray(0, sizeInBytes)
}

/**
 * The store path of the file that holds a vector, or undefined for one that lies in the log.
 *
 * @throws FILE_INVALID when the descriptor names no file of the store
 */
export function locateVector(context: VectorContext, request: VectorRequest): string | undefined {
  return checked(context, request, () => vectorFilePath(context.store, context.tablePath, request.vector))
}

/** Length, bytes, checksum; the numbers are big-endian, unlike those of the bitmap. */
function bytesInFile({ offset = 1, sizeInBytes }: DeletionVectorDescriptor, file: Uint8Array): Uint8Array {
  if (file[0] !== FILE_VERSION) throw new TypeError(`its file has the format version ${file[0] ?? 'of an empty file'}`)
  if (offset < 1 || offset + 8 + sizeInBytes > file.length) throw new TypeError('its file ends too early')
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength)
  const length = view.getInt32(offset)
  if (length !== sizeInBytes) throw new TypeError(`it has ${length} bytes while the log says ${sizeInBytes}`)
  const bytes = file.subarray(offset + 4, offset + 4 + sizeInBytes)
  if (crc32(bytes) !== view.getUint32(offset + 4 + sizeInBytes)) throw new TypeError('its checksum is wrong')
  return bytes
}

/** Run work on one vector, and name the vector when it cannot be read. */
function checked<T>(context: VectorContext, request: VectorRequest, work: () => T): T {
  try {
    return work()
  } catch (error) {
    if (!(error instanceof TypeError) && !isDeltaError(error, 'PATH_INVALID')) throw error
    const { dataFile, vector } = request
    const { tablePath, version } = context
    const file = vectorName(context.store, tablePath, vector)
    const reason = error.message.replace(/\.$/, '')
    const message = `The deletion vector of ${dataFile} in ${at(context)} (${file}) cannot be read: ${reason}.`
    throw new DeltaError('FILE_INVALID', message, { tablePath, version, file, dataFile, vector }, error)
  }
}

function vectorName(store: ObjectStore, tablePath: string, vector: DeletionVectorDescriptor): string {
  try {
    return vectorFilePath(store, tablePath, vector) ?? 'in the log itself'
  } catch {
    return vector.pathOrInlineDv
  }
}

function at({ tablePath, version }: VectorContext): string {
  return version === undefined ? tablePath : `version ${version} of ${tablePath}`
}
