import { afterAll, beforeAll, expect, test } from 'vitest'
import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createDatabase, startPostgres, type TestDatabase } from '../support/postgres.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await createDatabase(import.meta.url)
})
afterAll(async () => database.drop())

test('a test file has an empty database of its own, and values arrive as text', async () => {
  const rows =
    await database.query(`SELECT current_database() AS name, 9223372036854775807 AS big, now()::date - now()::date AS zero,
    (SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace) AS tables`)
  expect(rows).toEqual([{ name: database.database, big: '9223372036854775807', zero: '0', tables: '0' }])
})

test('a stopped server starts again in its folder with the same rows and password', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'tidemark-server-'))
  try {
    const first = await startPostgres({ directory, config: { fsync: 'off' } })
    await first.query('CREATE TABLE kept (id int); INSERT INTO kept VALUES (1), (2)')
    await expect(startPostgres({ directory })).rejects.toThrow(/already running/)
    await first.stop()
    await expect(first.query('SELECT 1')).rejects.toThrow()
    await using second = await startPostgres({ directory, config: { fsync: 'off' } })
    expect(second.password).toBe(first.password)
    expect(await second.query('SELECT count(*)::int AS n FROM kept')).toEqual([{ n: 2 }])
    expect((await stat(join(second.directory, 'password'))).mode & 0o077).toBe(0)
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
})
