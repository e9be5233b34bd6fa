/**
 * Which files are rewritten together. A table whose files hold ranges of a key stays so only when a file is rewritten
 * into a file; small ones are put together, so that rewriting also leaves fewer of them.
 */
import type { AddFile } from '../log/actions.ts'

/** A file of at least this size is rewritten alone. */
const ALONE_BYTES = 8n * 1024n * 1024n
/** Small files are put together up to this size. */
const GROUP_BYTES = 64n * 1024n * 1024n

/** Split files into groups that are each rewritten at once; every file is in exactly one, in the order given. */
export function groupForRewrite(files: readonly AddFile[]): AddFile[][] {
  const groups: AddFile[][] = []
  let open: AddFile[] = []
  let bytes = 0n
  for (const file of files) {
    if (file.size >= ALONE_BYTES) {
      groups.push([file])
      continue
    }
    if (open.length === 0 || bytes + file.size > GROUP_BYTES) {
      open = []
      bytes = 0n
      groups.push(open)
    }
    open.push(file)
    bytes += file.size
  }
  return groups
}
