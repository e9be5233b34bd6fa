/**
 * Addresses of SQLite databases: `sqlite:` and a path, relative to the project folder or absolute. It is a path of this
 * machine and nothing else: no parameters, no URI that could open something another way.
 */
import { resolve } from 'node:path'
import { refuseUrl } from './connection-url.ts'

const SCHEME = /^sqlite:/

/**
 * The absolute path of the database file.
 *
 * @param root what a relative path begins at
 * @throws {CONNECTION_URL} with a reason that repeats nothing of the text
 */
export function parseSqliteUrl(text: string, root: string): string {
  const trimmed = text.trim()
  if (!SCHEME.test(trimmed)) throw refuseUrl('does not begin with sqlite:')
  const path = trimmed.replace(SCHEME, '')
  if (path === '') throw refuseUrl('names no file')
  if (path.startsWith('//')) throw refuseUrl('begins with sqlite://; write sqlite:path/to.db or sqlite:/path/to.db')
  if (/[\u0000-\u001f]/.test(path)) throw refuseUrl('holds a control character')
  if (path.includes('?')) throw refuseUrl('has a parameter; the path alone says which database it is')
  if (path.startsWith('~')) throw refuseUrl('begins with ~, which only a shell replaces')
  if (path === ':memory:') throw refuseUrl('names a database in memory, which is empty')
  return resolve(root, path)
}

/** True for a text that begins like such an address. */
export function isSqliteUrl(text: string): boolean {
  return SCHEME.test(text.trim())
}
