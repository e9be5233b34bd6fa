/**
 * Writing deletion vectors: any number of them in one new file of the table. The file means nothing before a commit
 * names the descriptors.
 */
import { crc32 } from 'node:zlib'
import { DeltaError } from '../errors.ts'
import type { DeletionVectorDescriptor } from '../log/actions.ts'
import type { ObjectStore } from '../store/store.ts'
import { printRowSet } from './print-row-set.ts'
import { FILE_VERSION } from './read-vectors.ts'
import type { RowSet } from './row-set.ts'
import { printVectorUuid, vectorFileName } from './vector-location.ts'

export interface VectorPorts {
  readonly store: ObjectStore
  readonly ids: { uuid(): string }
}

/**
 * Write the sets and return their descriptors in the same order; no sets, no file. Durable when it returns.
 *
 * @throws STAGE_INVALID when a set is empty: a file without deleted rows has no deletion vector
 *
 * @example
 * ```ts
 * const [vector] = await writeDeletionVectors(ports, 'people', [RowSet.from([0, 1])])
 * console.log(vector?.cardinality) // 2n
 * ```
 */
export async function writeDeletionVectors(
  { store, ids }: VectorPorts,
  tablePath: string,
  sets: readonly RowSet[],
  options: { signal?: AbortSignal | undefined } = {},
): Promise<DeletionVectorDescriptor[]> {
  if (sets.length === 0) return []
  if (sets.some(rows => rows.size === 0)) {
    throw new DeltaError('STAGE_INVALID', `An empty deletion vector cannot be written to ${tablePath}.`, { tablePath })
  }
  const uuid = ids.uuid()
  const pathOrInlineDv = printVectorUuid(uuid)
  const parts: Uint8Array[] = [Uint8Array.of(FILE_VERSION)]
  const descriptors: DeletionVectorDescriptor[] = []
  let offset = 1
  for (const rows of sets) {
    const bytes = printRowSet(rows)
    const sizeInBytes = bytes.length
    descriptors.push({ storageType: 'u', pathOrInlineDv, offset, sizeInBytes, cardinality: BigInt(rows.size) })
    parts.push(bigEndian(sizeInBytes), bytes, bigEndian(crc32(bytes)))
    offset += sizeInBytes + 8
  }
  const path = `${tablePath}/${vectorFileName(uuid)}`
  const bytes = Buffer.concat(parts)
  // A name that exists already is our own when a store repeated a request that had taken effect.
  const isOurs =
    (await store.putIfAbsent(path, bytes, options)) === 'created' || bytes.equals(await store.get(path, options))
  if (isOurs) return descriptors
  throw new DeltaError('NOT_WRITTEN', `${path} was not written: a file of this name exists.`, { path })
}

function bigEndian(value: number): Uint8Array {
  const bytes = new Uint8Array(4)
  new DataView(bytes.buffer).setUint32(0, value)
  return bytes
}
