/** Put a new project on the disk: all files or, when one would be overwritten, none. */
import { mkdir, readFile, stat, writeFile } from 'node:fs/promises'
import { basename, join, resolve } from 'node:path'
import { INIT_EXISTS } from '../errors/config.ts'
import { type InitFile, initFiles, type InitTable, starterFiles } from './init-files.ts'

/** Writes one new file; fails when it exists. */
export type WriteFile = (path: string, text: string, mode: number) => Promise<void>

export interface InitRequest {
  /** Folder of the new project; made when missing. */
  root: string
  /** A database to look at; without one the project is a commented starter. */
  database?: { url: string; describe: () => Promise<readonly InitTable[]> } | undefined
  write?: WriteFile | undefined
}

/**
 * Make a project and return the paths written, relative to `root`. The folder is checked before the database is asked.
 * An existing `.gitignore` gets the lines it lacks. `.env` is readable by its owner alone.
 * @throws {INIT_EXISTS} when one of the files is there already; nothing was written then
 */
export async function initProject(request: InitRequest): Promise<readonly string[]> {
  const root = resolve(request.root)
  const { database } = request
  const planned = database === undefined ? starterFiles(basename(root)) : initFiles({ url: database.url, tables: [] })
  await refuseExisting(root, planned)
  const files = database === undefined ? planned : initFiles({ url: database.url, tables: await database.describe() })
  await refuseExisting(root, files)
  await mkdir(root, { recursive: true })
  const write = request.write ?? writeNew
  for (const { path, text, isSecret } of files) {
    const full = join(root, path)
    if (path === '.gitignore' && (await exists(full))) await completeLines(full, text)
    else await write(full, text, isSecret ? 0o600 : 0o644)
  }
  return files.map(file => file.path)
}

async function refuseExisting(root: string, files: readonly InitFile[]): Promise<void> {
  const paths = files.map(file => file.path).filter(path => path !== '.gitignore')
  const found = await Promise.all(paths.map(path => exists(join(root, path))))
  const existing = paths.filter((_, i) => found[i])
  if (existing.length > 0) throw INIT_EXISTS({ files: existing }, { state: 'Nothing was written.' })
}

function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  )
}

const writeNew: WriteFile = (path, text, mode) => writeFile(path, text, { mode, flag: 'wx' })

/** Add the lines a file lacks at its end; the secret must be ignored before it is written. */
async function completeLines(path: string, lines: string): Promise<void> {
  const text = await readFile(path, 'utf8')
  const present = new Set(text.split(/\r?\n/).map(line => line.trim()))
  const missing = lines.split('\n').filter(line => line !== '' && !present.has(line))
  if (missing.length === 0) return
  const separator = text === '' || text.endsWith('\n') ? '' : '\n'
  await writeFile(path, `${separator}${missing.join('\n')}\n`, { flag: 'a' })
}
