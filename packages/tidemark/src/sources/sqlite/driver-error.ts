/** Errors of SQLite and of the system around its file, translated once at the edge. */
import {
  SOURCE_DATABASE_LOCKED,
  SOURCE_FILE_UNREADABLE,
  SOURCE_UNREACHABLE,
  type ServerParams,
} from '../../errors/source.ts'
import { Problem } from '../../errors/problem.ts'
import { errorCode, reasonOf } from '../driver-reason.ts'

/** What a statement of SQLite failed with; the statement itself is not part of it. */
export class SqliteError extends Error {
  readonly errcode: number

  constructor(message: string, errcode: number) {
    super(message)
    this.errcode = errcode
  }
}

/** Primary result codes; an extended code has its primary one in the low byte. */
const BUSY = 5
const LOCKED = 6
const TOO_BIG = 18
const READONLY = 8
/** A transaction that its writer did not live to finish has to be taken back, which a reader may not. */
const READONLY_ROLLBACK = 776
const CANNOT_OPEN = new Set([3, 14, 23])

const LEFT_BY_WRITER =
  'a writer died in its transaction; the next one that opens the file takes its changes back, which a reader may not'
const LOG_NEEDS_FOLDER = 'it is in WAL mode, which nobody can read who may not write its folder or the -shm file in it'

/** True for a value or row beyond what SQLite itself can hold. */
export function isTooBig(error: unknown): boolean {
  return error instanceof SqliteError && (error.errcode & 0xff) === TOO_BIG
}

/** True when the file is well and the statement is not: it reads something that is gone, or that cannot be computed. */
export function isOfStatement(error: unknown): error is SqliteError {
  return error instanceof SqliteError && (error.errcode & 0xff) === 1
}

/** True when a statement has come upon a value that is not of its column's type: see `judgedValue`. */
export function isMisfit(error: unknown): boolean {
  return error instanceof SqliteError && error.errcode === 1 && error.message === 'malformed JSON'
}

/** Why a file cannot be had, by the code of the system's error. */
const SYSTEM: Readonly<Record<string, string>> = {
  ENOENT: 'no such file',
  EACCES: 'this user may not read the file or its folder',
  EPERM: 'this user may not read the file or its folder',
  EISDIR: 'it is no file',
  ENOTDIR: 'a part of its path is no folder',
}

/** A Problem for what SQLite or the system threw. A Problem and any other error pass through. */
export function translateSqliteError(error: unknown, named: Pick<ServerParams, 'source' | 'server'>): unknown {
  if (!(error instanceof Error) || error instanceof Problem) return error
  const params = { ...named, reason: reasonOf(error), isFile: true }
  const at = { cause: error }
  const system = SYSTEM[errorCode(error)]
  if (system !== undefined) return SOURCE_UNREACHABLE({ ...params, reason: system }, at)
  if (!(error instanceof SqliteError)) return error
  const code = error.errcode & 0xff
  if (error.errcode === READONLY_ROLLBACK) return SOURCE_DATABASE_LOCKED({ ...params, reason: LEFT_BY_WRITER }, at)
  if (code === READONLY) return SOURCE_UNREACHABLE({ ...params, reason: LOG_NEEDS_FOLDER }, at)
  if (code === BUSY || code === LOCKED) return SOURCE_DATABASE_LOCKED(params, at)
  if (CANNOT_OPEN.has(code)) return SOURCE_UNREACHABLE(params, at)
  return SOURCE_FILE_UNREADABLE(params, at)
}
