/**
 * Reading one commit from the store.
 */
import { DeltaError, isDeltaError } from '../errors.ts'
import type { ObjectStore } from '../store/store.ts'
import type { Commit } from './actions.ts'
import { commitPath, type Version } from './log-path.ts'
import type { LineParser } from './parse-action.ts'
import { parseCommit } from './parse-commit.ts'

/** Read one commit; undefined when it does not exist. Throws LOG_INVALID, with the table, when it cannot be read. */
export async function findCommit(
  store: ObjectStore,
  tablePath: string,
  version: Version,
  options: { parse?: LineParser; signal?: AbortSignal | undefined } = {},
): Promise<Commit | undefined> {
  const { parse, signal } = options
  try {
    return parseCommit(version, await store.get(commitPath(tablePath, version), { signal }), parse)
  } catch (error) {
    if (isDeltaError(error, 'NOT_FOUND')) return undefined
    if (isDeltaError(error, 'LOG_INVALID')) throw ofTable(tablePath, error)
    throw error
  }
}

/** A commit's bytes do not say whose they are; the error must, since one reader looks at many tables. */
function ofTable(tablePath: string, error: DeltaError): DeltaError {
  const message = `The log of ${tablePath} is broken. ${error.message}`
  return new DeltaError(error.code, message, { ...error.details, tablePath }, error)
}
