/**
 * The last good copy of a table list that is kept at an address, in the project's local folder: a server that has nothing
 * newer need not send it again, and while the address cannot be reached it stands in. A copy that was damaged is none.
 */
import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

export interface ListCopy {
  text: string
  /** SHA-256 of the text, in hex. */
  hash: string
  /** Version by the server's own words. */
  etag: string | undefined
  /** When the server last gave or confirmed it, in milliseconds since 1970. */
  at: number
}

/** Which copy is meant: of one source at one address. */
export interface CopyPlace {
  /** Absolute folder of this machine for the project. */
  local: string
  source: string
  url: string
}

/** The copy, when there is a whole one. */
export async function readListCopy(place: CopyPlace): Promise<ListCopy | undefined> {
  try {
    const path = pathOf(place)
    const [written, { mtimeMs }] = await Promise.all([readFile(path, 'utf8'), stat(path)])
    const { text, hash, etag } = Object(JSON.parse(written)) as Record<string, unknown>
    if (typeof text !== 'string' || hash !== hashOf(text)) return undefined
    const isEtag = typeof etag === 'string' && /^[\x21-\x7e]{1,1000}$/.test(etag)
    return { text, hash, etag: isEtag ? etag : undefined, at: mtimeMs }
  } catch {
    // A copy is a convenience: without one the list is fetched whole.
    return undefined
  }
}

/**
 * Put a list that was found right in place of the copy before, whole or not at all. Where the folder cannot be written
 * nothing is kept, and the list is as good without.
 */
export async function keepListCopy(place: CopyPlace, { text, etag }: Pick<ListCopy, 'text' | 'etag'>): Promise<void> {
  const path = pathOf(place)
  let made: string | undefined
  try {
    await mkdir(folderOf(place), { recursive: true, mode: 0o700 })
    made = await mkdtemp(join(folderOf(place), 'new-'))
    await writeFile(join(made, 'copy'), JSON.stringify({ hash: hashOf(text), etag, text }), { mode: 0o600 })
    await rename(join(made, 'copy'), path)
  } catch {
    // As it was before.
  } finally {
    if (made !== undefined) await rm(made, { recursive: true, force: true }).catch(() => undefined)
  }
}

/** SHA-256 of a list as it was sent, in hex. */
export function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

function folderOf({ local }: CopyPlace): string {
  return join(local, 'lists')
}

/** The address may hold what is private, so its hash is the name. */
function pathOf(place: CopyPlace): string {
  return join(folderOf(place), `${hashOf(JSON.stringify([place.source, place.url])).slice(0, 32)}.json`)
}
