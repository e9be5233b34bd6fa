/** The system's own errors about files, as Problems of the lake: who may do what, what is full, what is broken. */
import { isDeltaError } from '@tidemark/delta'
import type { Problem } from '../errors/problem.ts'
import { LAKE_DISK_FAILED, LAKE_FULL, LAKE_NOT_READABLE, LAKE_NOT_WRITABLE } from '../errors/run.ts'

const READING = /^(open|read|scandir|opendir|stat|lstat|access|realpath)$/
/** The disk, its mount or the limits of the process, and nothing that is in the lake. */
const FAILED = /^(EIO|ENXIO|ESTALE|EMFILE|ENFILE|ENOMEM)$/

/**
 * The Problem behind an error of the file system; undefined when it is none, or one that only a mistake of ours explains.
 * Whether something was read or written decides the way out, and the call alone does not tell: both open files.
 *
 * @param error one error of the chain of causes
 * @param whole the outermost one
 */
export function findFileSystemProblem(error: Error, whole: unknown): Problem | undefined {
  const { code, syscall, path, dest, message } = error as NodeJS.ErrnoException & { dest?: string }
  if (typeof code !== 'string' || typeof syscall !== 'string') return undefined
  // Of a link or a rename, the place where the file was to be: that is where something is wrong, not at the staged file.
  const lake = dest ?? path ?? 'the lake'
  const at = { cause: whole }
  const isWrite = isDeltaError(whole, 'NOT_WRITTEN')
  const isReading = READING.test(syscall) && !isWrite
  if (code === 'ENOSPC' || code === 'EDQUOT') return LAKE_FULL({ lake }, at)
  if (code === 'EROFS') return LAKE_NOT_WRITABLE({ lake, reason: `the file system is read-only (${code})` }, at)
  if (code === 'EACCES' || code === 'EPERM') {
    return (isReading ? LAKE_NOT_READABLE : LAKE_NOT_WRITABLE)({ lake, reason: `no permission (${code})` }, at)
  }
  if (FAILED.test(code) && !isOfNetwork(error)) return LAKE_DISK_FAILED({ lake, reason: message }, at)
  if (!isWrite) return undefined
  const isInTheWay = code === 'EEXIST' || code === 'ENOTDIR'
  return LAKE_NOT_WRITABLE(
    { lake, reason: isInTheWay ? `something that is no folder is in the way (${code})` : message },
    at,
  )
}

/** The limits of the process are also those of sockets, whose errors name an address. */
function isOfNetwork(error: object): boolean {
  return 'address' in error || 'hostname' in error
}
