import { createServer } from 'node:net'
import { once } from 'node:events'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Problem } from '../../packages/tidemark/src/errors/problem.ts'
import type { ServerConnection } from '../../packages/tidemark/src/sources/server-address.ts'
import { createPostgresSource } from '../../packages/tidemark/src/sources/postgres/postgres.ts'
import { findFreePort } from '../../examples/postgres.ts'
import { standBetween } from '../support/between.ts'
import { createDatabase, type TestDatabase } from '../support/postgres.ts'
import { keepAliveTimers } from '../support/tcp-timers.ts'
import { never, openSource, problemOf, realClock, ref, tableOf } from '../support/source.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await createDatabase(import.meta.url)
})
afterAll(async () => database.drop())

async function refusal(changed: Partial<ServerConnection>, signal = never): Promise<Problem> {
  const { host, port, user, password } = database
  const connection = { host, port, database: database.database, user, password, ...changed }
  const source = createPostgresSource({ name: 'app', connection, timezone: 'UTC', clock: realClock })
  return await problemOf(source.probe([], signal))
}

test('each way not to get in has its own problem, of the environment, with a hint', async () => {
  const port = await findFreePort()
  const cases: [Partial<ServerConnection>, string, RegExp][] = [
    [{ port }, 'SOURCE_UNREACHABLE', /connection refused/],
    [{ host: 'no-such-host.invalid' }, 'SOURCE_UNREACHABLE', /look(ed)? up|no such host/],
    [{ password: 'hunter2-wrong' }, 'SOURCE_LOGIN_REFUSED', /password authentication failed/],
    [{ password: () => '' }, 'SOURCE_LOGIN_REFUSED', /wants a password and none is given/],
    [{ password: undefined }, 'SOURCE_LOGIN_REFUSED', /none is given/],
    [{ user: 'nobody_here' }, 'SOURCE_LOGIN_REFUSED', /nobody_here/],
    [{ database: 'Nowhere' }, 'SOURCE_DATABASE_MISSING', /"Nowhere" does not exist/],
    [{ tls: 'verify' }, 'SOURCE_TLS_REFUSED', /does not support SSL/],
    [{ tls: 'insecure' }, 'SOURCE_TLS_REFUSED', /does not support SSL/],
    [{ ca: 'not a certificate' }, 'SOURCE_TLS_REFUSED', /./],
  ]
  for (const [changed, code, message] of cases) {
    const problem = await refusal(changed)
    expect([changed, problem.code, problem.exit]).toEqual([changed, code, 3])
    expect(problem.message).toMatch(message)
    expect(problem.hint).toBeTruthy()
  }
})

test('a server before release 12 is refused by name, whatever is asked of it', async () => {
  const older = (bytes: Buffer): Buffer =>
    Buffer.from(bytes.toString('latin1').replaceAll(/(?<!\d)1[2-9]00\d\d(?!\d)/g, '110022'), 'latin1')
  const port = await standBetween(database, older)
  expect(await refusal({ port })).toMatchObject({ code: 'SOURCE_TOO_OLD', exit: 3, retry: 'after-change' })
  const { message } = await refusal({ port })
  expect(message).toMatch(/^Source app: 127\.0\.0\.1:\d+\/\S+ is PostgreSQL 11; 12 is the oldest that is read\.$/)
  const source = openSource({ ...database, port })
  expect((await problemOf(source.listTables(never))).code).toBe('SOURCE_TOO_OLD')
  expect((await problemOf(source.openSnapshot([], never))).code).toBe('SOURCE_TOO_OLD')
})

test('nothing of the environment of the process decides where the source is or how it logs in', async () => {
  const before = { ...process.env }
  Object.assign(process.env, { PGPASSWORD: database.password, PGSSLMODE: 'require', PGHOST: 'elsewhere.invalid' })
  try {
    expect((await refusal({ password: undefined })).code).toBe('SOURCE_LOGIN_REFUSED')
    expect((await openSource(database).probe([], never)).position.rowVersions?.next).toBeGreaterThan(0n)
  } finally {
    process.env = before
  }
})

test('a password never shows in a problem or its cause, however it is printed', async () => {
  const secret = 'hunter2-very-secret'
  const port = await findFreePort()
  for (const changed of [
    { password: secret },
    { password: () => secret, port },
    { password: secret, tls: 'verify' as const },
  ]) {
    const problem = await refusal(changed)
    const { inspect } = await import('node:util')
    const everything =
      inspect(problem, { depth: 10, showHidden: true }) + JSON.stringify(problem) + String(problem.stack)
    expect(everything).not.toContain(secret)
    expect(everything).not.toContain(database.password)
  }
})

test('a server that accepts and says nothing is given up when the user aborts', async () => {
  const silent = createServer(() => undefined)
  silent.listen(0, '127.0.0.1')
  await once(silent, 'listening')
  const address = silent.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  const abort = new AbortController()
  silent.once('connection', () => abort.abort(new Error('enough')))
  const { host, user, password } = database
  const connection = { host, port: address.port, database: 'x', user, password }
  const source = createPostgresSource({ name: 'app', connection, timezone: 'UTC', clock: realClock })
  await expect(source.probe([], abort.signal)).rejects.toThrow('enough')
  silent.close()
})

test('a server that ends the connection in the middle is a problem of the environment, to be tried later', async () => {
  await database.query('CREATE VIEW forever AS SELECT n FROM generate_series(1, 100000000000) g (n)')
  const snapshot = await openSource(database).openSnapshot([ref('forever')], never)
  const table = tableOf(snapshot, ref('forever'))
  const counting = problemOf(snapshot.count({ table, slice: { kind: 'all' }, columns: table.columns, signal: never }))
  const kill = async (): Promise<number> =>
    (
      await database.query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname = current_database() AND application_name = 'tidemark' AND state = 'active' AND query LIKE 'SELECT count(%'`)
    ).length
  await expect.poll(kill).toBe(1)
  expect(await counting).toMatchObject({ code: 'SOURCE_INTERRUPTED', exit: 3, retry: 'later' })
})

test.runIf(process.platform === 'linux')('a silent line is asked after a minute whether it still stands', async () => {
  const snapshot = await openSource(database).openSnapshot([], never)
  expect(Math.min(...(await keepAliveTimers(database.port)))).toBeLessThanOrEqual(60_000)
  await snapshot.close()
})

test('a full server is busy, not wrong', async () => {
  await database.query(`ALTER DATABASE ${database.database} CONNECTION LIMIT 0`)
  await database.query(`DROP ROLE IF EXISTS errors_plain; CREATE ROLE errors_plain LOGIN PASSWORD 'pw'`)
  try {
    const problem = await refusal({ user: 'errors_plain', password: 'pw' })
    expect(problem).toMatchObject({ code: 'SOURCE_BUSY', exit: 3, retry: 'later' })
  } finally {
    await database.query(`ALTER DATABASE ${database.database} CONNECTION LIMIT -1; DROP ROLE errors_plain`)
  }
})
