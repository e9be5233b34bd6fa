/** `max_connections` and `--max-connections`: the server itself refuses one more, so that nothing depends on when we look. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Ended } from '../packaging/programs.ts'
import { runInProcess } from '../support/cli-in-process.ts'
import { createDatabase, type TestDatabase } from '../support/postgres.ts'
import { temporaryFolder } from '../support/source.ts'

const TABLES = 5
const ROLE = 'tidemark_of_two'
let db: TestDatabase

beforeAll(async () => {
  db = await createDatabase(import.meta.url)
  await db.query(`DROP ROLE IF EXISTS ${ROLE}; CREATE ROLE ${ROLE} LOGIN PASSWORD 'reads only' CONNECTION LIMIT 2`)
  for (let n = 1; n <= TABLES; n += 1) {
    await db.query(`CREATE TABLE t${n} (id int PRIMARY KEY, v text);
      INSERT INTO t${n} SELECT g, repeat('x', 200) FROM generate_series(1, 2000) g; GRANT SELECT ON t${n} TO ${ROLE}`)
  }
})
afterAll(async () => {
  await db.query(`DROP OWNED BY ${ROLE}; DROP ROLE ${ROLE}`)
  await db.drop()
})

/** Run a command as the login that may have two connections, once those of the command before are gone. */
async function command(cwd: string, ...args: string[]): Promise<Ended> {
  const open = async (): Promise<string | null | undefined> => {
    const [row] = await db.query(`SELECT count(*) AS n FROM pg_stat_activity WHERE usename = '${ROLE}'`)
    return row?.['n']
  }
  await expect.poll(open).toBe('0')
  return await runInProcess(args, { cwd, env: { PASSWORD: 'reads only' } })
}

async function openProject(keys: string): Promise<string> {
  const cwd = await temporaryFolder()
  const { host, port, database } = db
  const list = Array.from({ length: TABLES }, (_, n) => ({ schema: 'public', table: `t${n + 1}`, cdc_col: 'id' }))
  await writeFile(join(cwd, 'list.json'), JSON.stringify(list))
  await writeFile(
    join(cwd, 'tidemark.yml'),
    `name: bounded
sources:
  app:
    { type: postgres, host: "${host}", port: ${port}, database: "${database}", user: ${ROLE}, tls: off,
      password: { secret: env:PASSWORD }, tables: list.json${keys} }
`,
  )
  return cwd
}

test('tables that are read side by side share the connections of their source, and never take one more', async () => {
  const cwd = await openProject(', max_connections: 2')
  const loaded = await command(cwd, 'run')
  expect(loaded.exit, loaded.stderr).toBe(0)
  expect((await command(cwd, 'verify')).exit).toBe(0)
  const more = await command(cwd, 'backfill', 't1', '--from', '1', '--max-connections', '2')
  expect(more.exit, more.stderr).toBe(0)
})

test('the command line decides over the project', async () => {
  const cwd = await openProject('')
  const three = await command(cwd, 'run')
  expect([three.exit, three.stderr.includes('SOURCE_BUSY')]).toEqual([3, true])
  expect((await command(cwd, 'run', '--max-connections', '2')).exit).toBe(0)
})

test('one connection is refused by name: it can keep a snapshot or read, not both', async () => {
  const cwd = await openProject(', max_connections: 1')
  expect((await command(cwd, 'run')).stderr).toContain('a whole number from 2 on')
  expect((await command(cwd, 'run', '--max-connections', '1')).stderr).toContain('write a whole number from 2 on')
})
