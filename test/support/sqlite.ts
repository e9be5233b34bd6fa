/**
 * A SQLite database file of its own for each test, and a connection that writes it. Both are gone when
 * the test ends.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { onTestFinished } from 'vitest'

export interface SqliteFile {
  readonly path: string
  readonly url: string
  readonly writer: DatabaseSync
}

export async function createSqliteFile(setUp = '', journal: 'wal' | 'delete' = 'wal'): Promise<SqliteFile> {
  const folder = await mkdtemp(join(tmpdir(), 'tidemark-sqlite-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const path = join(folder, 'app.db')
  const writer = new DatabaseSync(path, { timeout: 200 })
  onTestFinished(() => {
    if (writer.isOpen) writer.close()
  })
  writer.exec(`PRAGMA journal_mode = ${journal}; ${setUp}`)
  return { path, url: `sqlite:${path}`, writer }
}
