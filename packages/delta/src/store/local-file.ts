/**
 * Durable file operations of the local store: after each of them the bytes and the name survive a power cut, unless the
 * file is said to be advisory.
 */
import { link, mkdir, open, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { CreateOptions } from './store.ts'

/** Link `from` to the new name `to`, and make the name durable, also when somebody else has just made it. */
export async function linkNew(
  from: string,
  to: string,
  { advisory = false }: CreateOptions = {},
): Promise<'created' | 'exists'> {
  let outcome: 'created' | 'exists' = 'created'
  try {
    await link(from, to)
  } catch (error) {
    if (!hasCode(error, 'EEXIST')) throw error
    outcome = 'exists'
  }
  if (!advisory) await syncFolder(dirname(to))
  return outcome
}

/** Without hard links a reader may see the object half written, but two writers still cannot both create it. */
export async function createExclusively(file: string, bytes: Uint8Array): Promise<'created' | 'exists'> {
  try {
    await writeNew(file, bytes)
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return 'exists'
    throw error
  }
  await syncFolder(dirname(file))
  return 'created'
}

/** Create a file with these bytes on disk; fails when it exists, and leaves no half of it when writing fails. */
export async function writeNew(
  file: string,
  bytes: Uint8Array,
  { advisory = false }: CreateOptions = {},
): Promise<void> {
  const handle = await open(file, 'wx', 0o600)
  try {
    await handle.writeFile(bytes)
    if (!advisory) await handle.sync()
  } catch (error) {
    await rm(file, { force: true })
    throw error
  } finally {
    await handle.close()
  }
}

/** Create missing folders and make each new name durable in the folder that holds it. */
export async function makeFolder(folder: string): Promise<void> {
  const first = await mkdir(folder, { recursive: true, mode: 0o700 })
  if (first === undefined) return
  for (let made = folder; made.length >= first.length; made = dirname(made)) await syncFolder(dirname(made))
}

/** Bring a file's bytes to the disk. */
export async function syncFile(file: string): Promise<void> {
  const handle = await open(file, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** Windows cannot open a folder for syncing; its file systems journal names by themselves. */
export async function syncFolder(folder: string): Promise<void> {
  if (process.platform !== 'win32') await syncFile(folder)
}

/** True for an error of the file system with one of these codes. */
export function hasCode(error: unknown, ...codes: readonly string[]): boolean {
  return error instanceof Error && 'code' in error && codes.includes(String(error.code))
}
