/** The files of a project as text, and the environment that .env beside them completes. */
import { readFile, stat } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { parseEnv } from 'node:util'
import { CONFIG_NOT_FOUND, CONFIG_UNREADABLE } from '../errors/config.ts'
import type { Place, Problem } from '../errors/problem.ts'
import { shownPath } from './project-path.ts'

export type Environment = Readonly<Record<string, string | undefined>>

/** Where a project lies. Both absolute. */
export interface ProjectLocation {
  root: string
  file: string
}

/** The project file of a folder, or the named one. @throws {CONFIG_NOT_FOUND} */
export async function findProjectFile(at: {
  root?: string | undefined
  file?: string | undefined
}): Promise<ProjectLocation> {
  const root = resolve(at.root ?? (at.file === undefined ? '.' : dirname(at.file)))
  const names =
    at.file === undefined ? ['tidemark.yml', 'tidemark.yaml'].map(name => join(root, name)) : [resolve(at.file)]
  for (const file of names) {
    const found = await stat(file).catch(() => undefined)
    if (found?.isFile()) return { root: at.root === undefined ? dirname(file) : root, file }
  }
  throw CONFIG_NOT_FOUND({ file: at.file ?? basename(names[0] ?? 'tidemark.yml') })
}

/** A text file of at most 5 MB, or the problem with it. The place is where the file is named. */
export async function readProjectText(root: string, path: string, place?: Place): Promise<string | Problem> {
  const refuse = (reason: string, cause?: unknown): Problem =>
    CONFIG_UNREADABLE({ file: shownPath(root, path), reason }, { place, cause })
  let bytes: Buffer
  try {
    bytes = await readFile(path)
  } catch (cause) {
    return refuse(explain((cause as NodeJS.ErrnoException).code), cause)
  }
  if (bytes.length > 5 * 1024 * 1024) return refuse('is larger than 5 MB')
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return refuse('is not UTF-8 text')
  }
}

function explain(code: string | undefined): string {
  switch (code) {
    case 'ENOENT':
    case 'ENOTDIR':
      return 'does not exist'
    case 'EISDIR':
      return 'is a folder'
    case 'EACCES':
    case 'EPERM':
      return 'may not be read by you'
    default:
      return `cannot be read (${code ?? 'unknown reason'})`
  }
}

/** The given environment over the one in `.env`: a variable that is really set wins, also when it is empty. */
export async function readEnvironment(
  root: string,
  env: Environment,
): Promise<{ env: Environment; problems: readonly Problem[] }> {
  const path = join(root, '.env')
  const exists = await stat(path).then(
    () => true,
    () => false,
  )
  if (!exists) return { env, problems: [] }
  const text = await readProjectText(root, path)
  if (typeof text !== 'string') return { env, problems: [text] }
  const set = Object.entries(env).filter(([, value]) => value !== undefined)
  return { env: { ...parseEnv(text.replace(/^\ufeff/, '')), ...Object.fromEntries(set) }, problems: [] }
}
