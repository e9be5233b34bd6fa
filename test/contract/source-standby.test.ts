import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { startPostgres } from '../support/postgres.ts'
import { never, openSource, problemOf } from '../support/source.ts'

test('a standby is refused, and a promoted one has another identity at once', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'tidemark-standby-'))
  onTestFinished(() => rm(directory, { recursive: true, force: true }))
  const config = { fsync: 'off' }
  const primary = await startPostgres({ directory, config })
  const connect = { ...primary, database: 'postgres' }
  const before = (await openSource(connect).probe([], never)).position
  await primary.stop()
  await writeFile(join(primary.directory, 'data', 'standby.signal'), '')
  await using standby = await startPostgres({ directory, config })
  const problem = await problemOf(openSource({ ...connect, port: standby.port }).probe([], never))
  expect([problem.code, problem.exit]).toEqual(['SOURCE_STANDBY', 3])
  expect(problem.title).toContain('not built yet')
  await standby.query('SELECT pg_promote(true, 60)')
  const after = (await openSource({ ...connect, port: standby.port }).probe([], never)).position
  expect(after.identity).not.toBe(before.identity)
  expect(after.rowVersions?.next).toBeGreaterThanOrEqual(before.rowVersions?.next ?? 0n)
})
