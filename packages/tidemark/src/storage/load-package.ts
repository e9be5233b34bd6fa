/** Client packages are loaded on first use: whose lake is a folder need not have them. */
import { STORAGE_PACKAGE_MISSING } from '../errors/storage.ts'

/**
 * Load an optional package.
 *
 * @param load the import itself, so that the name stands where tools look for it
 * @throws {STORAGE_PACKAGE_MISSING} it is not installed
 */
export async function loadPackage<T>(name: string, lake: string, load: () => Promise<T>): Promise<T> {
  try {
    return await load()
  } catch (error) {
    if (!isMissing(error)) throw error
    throw STORAGE_PACKAGE_MISSING({ lake, packages: name }, { cause: error, state: 'Nothing was read or written.' })
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ERR_MODULE_NOT_FOUND'
}
