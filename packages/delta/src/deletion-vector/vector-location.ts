/**
 * Where the bytes of a deletion vector lie (Delta protocol, "Deletion Vector Descriptor Schema"), and how a new one is
 * named. Names are derived from a uuid, which the descriptor holds as text of twenty characters.
 */
import type { DeletionVectorDescriptor } from '../log/actions.ts'
import { canonicalDataPath } from '../log/data-path.ts'
import type { ObjectStore } from '../store/store.ts'
import { findStorePath } from '../store/store-location.ts'
import { splitStorePath } from '../store/store-path.ts'
import { parseZ85, printZ85 } from './z85.ts'

/** Characters of a uuid in Z85. */
const UUID_LENGTH = 20

/**
 * The store path of the file that holds a vector, or undefined for one that lies in the log. Throws TypeError or
 * PATH_INVALID when the descriptor names no file of the store.
 */
export function vectorFilePath(
  store: ObjectStore,
  tablePath: string,
  vector: DeletionVectorDescriptor,
): string | undefined {
  const path = findFilePath(store, tablePath, vector)
  return path && splitStorePath(path).join('/')
}

function findFilePath(
  store: ObjectStore,
  tablePath: string,
  { storageType, pathOrInlineDv }: DeletionVectorDescriptor,
): string | undefined {
  switch (storageType) {
    case 'i':
      return undefined
    case 'u': {
      const prefix = pathOrInlineDv.slice(0, -UUID_LENGTH)
      const name = vectorFileName(toUuid(pathOrInlineDv.slice(-UUID_LENGTH)))
      return [tablePath, ...(prefix === '' ? [] : [prefix]), name].join('/')
    }
    case 'p': {
      const path = findStorePath(store, canonicalDataPath(pathOrInlineDv))
      if (path === undefined) throw new TypeError('it lies outside the store')
      return path
    }
  }
}

/** The name of a file of vectors, in the table's folder. */
export function vectorFileName(uuid: string): string {
  return `deletion_vector_${uuid}.bin`
}

/** The `pathOrInlineDv` of a file named by this uuid. */
export function printVectorUuid(uuid: string): string {
  const bytes = Uint8Array.from(uuid.replaceAll('-', '').match(/../g) ?? [], hex => Number.parseInt(hex, 16))
  if (bytes.length !== 16) throw new TypeError(`${uuid} is not a uuid`)
  return printZ85(bytes)
}

function toUuid(text: string): string {
  if (text.length !== UUID_LENGTH) throw new TypeError('its name is too short for a uuid')
  const hex = [...parseZ85(text)].map(byte => byte.toString(16).padStart(2, '0')).join('')
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}
