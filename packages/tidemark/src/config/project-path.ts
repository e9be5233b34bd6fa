/** Paths the user writes: relative to the project folder, and inside it where another machine must find them too. */
import { realpathSync } from 'node:fs'
import { dirname, isAbsolute, parse, relative, resolve, sep } from 'node:path'
import { CONFIG_LAKE_PATH } from '../errors/config.ts'
import type { Place, Problem } from '../errors/problem.ts'

/** A path as it is shown: relative to the root, with `/`. */
export function shownPath(root: string, path: string): string {
  return (relative(root, path) || '.').split(sep).join('/')
}

/** True when a path is the folder or below it, links resolved as far as the path exists. */
export function isInside(folder: string, path: string): boolean {
  const way = relative(realPath(folder), realPath(path))
  return way === '' || (!isAbsolute(way) && way !== '..' && !way.startsWith(`..${sep}`))
}

/** True for what is written as an address rather than a folder. */
export function isAddress(written: string): boolean {
  return /^[a-z][a-z0-9+.-]+:\/\//i.test(written)
}

/** The absolute folder of a local lake, or the problem with it: a lake never shares a folder with the project's files. */
export function resolveLake(root: string, written: string, place: Place | undefined): string | Problem {
  const path = resolve(root, written)
  const refuse = (reason: string): Problem => CONFIG_LAKE_PATH({ path: written, reason }, { place })
  if (written.includes('\0')) return refuse('holds a NUL character')
  if (written.startsWith('~')) return refuse('begins with ~, which only a shell replaces')
  if (path === parse(path).root) return refuse('is the root of the file system')
  if (realPath(path) === realPath(root)) return refuse('is the project folder itself')
  if (isInside(path, root)) return refuse('contains the project folder')
  return path
}

export function realPath(path: string): string {
  const absolute = resolve(path)
  try {
    return realpathSync(absolute)
  } catch {
    const parent = dirname(absolute)
    return parent === absolute
      ? absolute
      : resolve(realPath(parent), absolute.slice(parent.length).replace(/^[/\\]+/, ''))
  }
}
