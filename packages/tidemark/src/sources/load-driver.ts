/** Drivers beyond PostgreSQL's are loaded on first use: whose sources do not need one need not have it. */
import { SOURCE_DRIVER_MISSING } from '../errors/source.ts'

/**
 * Load an optional driver.
 *
 * @param load the import itself, so that the name stands where tools look for it
 * @throws {SOURCE_DRIVER_MISSING} it is not installed
 */
export async function loadDriver<T>(packages: string, source: string, load: () => Promise<T>): Promise<T> {
  try {
    return await load()
  } catch (error) {
    if (!isMissing(error)) throw error
    throw SOURCE_DRIVER_MISSING({ source, packages }, { cause: error, state: 'Nothing was read or written.' })
  }
}

/** A package that is not installed, or a part of Node that this Node does not have yet. */
const MISSING: readonly unknown[] = ['ERR_MODULE_NOT_FOUND', 'ERR_UNKNOWN_BUILTIN_MODULE']

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && MISSING.includes(error.code)
}
