import { readdir } from 'node:fs/promises'
import { basename } from 'node:path'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { findFreePort } from '../../examples/postgres.ts'
import { ident, type Sql, sql } from '../../packages/tidemark/src/engine/sql.ts'
import { loadDriver } from '../../packages/tidemark/src/sources/load-driver.ts'
import { openSession } from '../../packages/tidemark/src/sources/mysql/connection.ts'
import { createMysqlSource } from '../../packages/tidemark/src/sources/mysql/mysql.ts'
import type { Slice, SourceSnapshot, SourceTable } from '../../packages/tidemark/src/sources/source.ts'
import { createMysqlDatabase, hasMariadb, type MysqlDatabase, numbersTo } from '../support/mariadb.ts'
import { keepAliveTimers } from '../support/tcp-timers.ts'
import {
  copySegments,
  never,
  openMysqlSource,
  problemAt,
  problemOf,
  readKeys,
  readRows,
  realClock,
  ref,
  tableOf,
  temporaryFolder,
} from '../support/source.ts'

/** [type, literal, lake type, value in DuckDB] */
const carried: readonly [string, string, string, string][] = [
  ['tinyint', '-128', 'short', '-128'],
  ['tinyint unsigned', '255', 'short', '255'],
  ['smallint unsigned', '65535', 'integer', '65535'],
  ['mediumint', '-8388608', 'integer', '-8388608'],
  ['int unsigned', '4294967295', 'long', '4294967295'],
  ['int(8) zerofill', '42', 'long', '42'],
  ['bigint', '-9223372036854775808', 'long', '-9223372036854775808'],
  ['bigint unsigned', '18446744073709551615', 'decimal(20,0)', '18446744073709551615'],
  [
    'decimal(38,2)',
    '123456789012345678901234567890123456.78',
    'decimal(38,2)',
    '123456789012345678901234567890123456.78',
  ],
  ['decimal(65,30)', '1.5', 'string', '1.500000000000000000000000000000'],
  ['float', '16777217', 'float', '16777216.0'],
  ['float', '0.1', 'float', '0.1'],
  ['double', '5e-324', 'double', '5e-324'],
  ['double', '0.1', 'double', '0.1'],
  ['bit(1)', "b'1'", 'boolean', 'true'],
  ['bit(5)', "b'10101'", 'long', '21'],
  ['bit(64)', '18446744073709551615', 'decimal(20,0)', '18446744073709551615'],
  ['year', '2026', 'short', '2026'],
  ['date', "'9999-12-31'", 'date', '9999-12-31'],
  ['datetime(6)', "'2026-03-29 02:30:00.123456'", 'timestamp', '2026-03-29 02:30:00.123456+00'],
  ['datetime', "'0001-01-01'", 'timestamp', '0001-01-01 00:00:00+00'],
  ['time(6)', "'-838:59:58.000001'", 'string', '-838:59:58.000001'],
  ['char(5)', "'ab'", 'string', 'ab'],
  ["enum('a', 'so, \"so')", `'so, "so'`, 'string', 'so, "so'],
  ["set('x', 'y')", "'x,y'", 'string', 'x,y'],
  ['json', `'{"a": 1}'`, 'string', '{"a": 1}'],
  ['binary(3)', "x'0a'", 'binary', '0A0000'],
  ['blob', "x'00ff0a22'", 'binary', '00FF0A22'],
  ['blob', "''", 'binary', ''],
  ['varchar(9) character set latin1', "'ä'", 'string', 'ä'],
]

/** A million rows of two kilobytes, which no test reads to their end; and as many of which each takes its time. */
const MANY = `SELECT a.seq, repeat('x', 2000) AS filler FROM thousand a, thousand b`
const SLOW = `SELECT a.seq FROM thousand a, thousand b WHERE sleep(0.01) = 0`

describe.runIf(hasMariadb)('MySQL and MariaDB as a source', () => {
  let database: MysqlDatabase
  beforeAll(async () => {
    database = await createMysqlDatabase(import.meta.url)
    await database.query(`CREATE TABLE thousand AS SELECT seq FROM ${numbersTo(1000)} numbers;
      CREATE VIEW many AS ${MANY}; CREATE VIEW forever AS ${SLOW}`)
  })
  afterAll(() => database?.drop())

  const own = (table: string): ReturnType<typeof ref> => ref(table, database.database)

  async function open(table: string): Promise<{ snapshot: SourceSnapshot; table: SourceTable }> {
    const snapshot = await openMysqlSource(database).openSnapshot([own(table)], never)
    return { snapshot, table: tableOf(snapshot, own(table)) }
  }

  test('every type arrives as its lake type with its exact value, and as NULL', async () => {
    await database.query(
      `SET sql_mode = ''; CREATE TABLE carried (${carried.map(([type], i) => `c${i} ${type}`).join(', ')})`,
    )
    await database.query(`INSERT INTO carried VALUES (${carried.map(([, literal]) => literal).join(', ')})`)
    await database.query('INSERT INTO carried (c0) VALUES (NULL)')
    const { snapshot, table } = await open('carried')
    expect(table.columns.map(c => c.deltaType)).toEqual(carried.map(([, , lake]) => lake))
    const all: Slice = { kind: 'all' }
    expect(await snapshot.count({ table, slice: all, columns: table.columns, signal: never })).toMatchObject({
      total: 2n,
    })
    const [values, nulls] = await readRows(snapshot, table)
    for (const [i, [type, literal, , expected]] of carried.entries()) {
      expect([type, literal, values?.[`c${i}`]]).toEqual([type, literal, expected])
      expect(nulls?.[`c${i}`]).toBeNull()
    }
  })

  test('equal rows have one version, rows that differ only in where values end have two', async () => {
    await database.query(`CREATE TABLE versions (a text, b text);
      INSERT INTO versions VALUES ('x', ''), ('x', ''), ('x', NULL), ('', 'x'), (NULL, 'x'), ('1:x', '-'), ('1', ':x-')`)
    const { snapshot, table } = await open('versions')
    const found = (await readRows(snapshot, table)).map(row => row['_row_version'])
    expect(new Set(found).size).toBe(6)
    expect(found[0]).toBe(found[1])
  })

  test('dates that are none stop the table by column and count, and as_text carries them', async () => {
    const client = await database.connect()
    await client.query(`SET sql_mode = 'ALLOW_INVALID_DATES'; CREATE TABLE nodates (id int, d date, t timestamp NULL, w datetime);
      INSERT INTO nodates VALUES (1, '0000-00-00', '0000-00-00 00:00:00', '2026-02-31 01:00:00'), (2, '2024-02-29', '2026-01-01', '2026-01-01')`)
    const source = openMysqlSource(database)
    const snapshot = await source.openSnapshot([own('nodates')], never)
    const table = tableOf(snapshot, own('nodates'))
    const all: Slice = { kind: 'all' }
    const problem = await problemOf(snapshot.count({ table, slice: all, columns: table.columns, signal: never }))
    expect(problem.code).toBe('SOURCE_VALUE_UNFIT')
    for (const column of ['d (date', 't (timestamp', 'w (datetime']) expect(problem.message).toContain(column)
    expect(problem.message).toContain('has 1 row with zero or impossible dates')
    const columns = source.carryAsText(table, ['D', 't', 'w'])
    expect(await readRows(snapshot, table, { columns })).toMatchObject([
      { d: '0000-00-00', t: '0000-00-00 00:00:00', w: '2026-02-31 01:00:00' },
      { d: '2024-02-29' },
    ])
  })

  test('all readers of a snapshot see one moment, and a write is refused', async () => {
    await database.query('CREATE TABLE moving (id int PRIMARY KEY); INSERT INTO moving VALUES (1)')
    const { snapshot, table } = await open('moving')
    await database.query('INSERT INTO moving VALUES (2); DELETE FROM moving WHERE id = 1')
    const ids = async (): Promise<unknown[]> => (await readRows(snapshot, table)).map(row => row['id'])
    expect([await ids(), await ids()]).toEqual([['1'], ['1']])
    const later = await open('moving')
    expect(later.snapshot.position.order).toBeGreaterThan(snapshot.position.order)
    expect(later.snapshot.position.identity).toBe(snapshot.position.identity)
  })

  test('a table that is altered waits for the snapshot, and one that is locked is a problem of its own', async () => {
    await database.query('CREATE TABLE held (id int); CREATE TABLE locked (id int); CREATE TABLE free (id int)')
    const { snapshot } = await open('held')
    const migration = await database.connect()
    await migration.query('SET lock_wait_timeout = 1')
    await expect(migration.query('ALTER TABLE held ADD COLUMN v int')).rejects.toThrow(/Lock wait timeout/)
    await snapshot.close()
    await migration.query('LOCK TABLES locked WRITE')
    const source = openMysqlSource(database, { lockTimeoutMs: 1000 })
    const beside = await source.openSnapshot([own('locked'), own('free')], never)
    expect(problemAt(beside, own('locked')).code).toBe('SOURCE_TABLE_LOCKED')
    expect(tableOf(beside, own('free')).kind).toBe('table')
  })

  test('a reader that leaves early stops the server, and the snapshot stays usable', async () => {
    await database.query('CREATE TABLE after_it (id int); INSERT INTO after_it VALUES (7)')
    const wanted = [own('many'), own('forever'), own('after_it')]
    const snapshot = await openMysqlSource(database).openSnapshot(wanted, never)
    const table = tableOf(snapshot, own('many'))
    const directory = await temporaryFolder()
    const slice: Slice = { kind: 'all' }
    const request = { table, columns: table.columns, slice, directory, prefix: 'rows', segmentBytes: 200_000 }
    for await (const segment of snapshot.copy({ ...request, signal: never })) {
      expect(segment.rows).toBeGreaterThan(0n)
      break
    }
    expect((await readdir(directory)).length).toBeLessThanOrEqual(2)
    expect((await readRows(snapshot, tableOf(snapshot, own('after_it')))).map(row => row['id'])).toEqual(['7'])
    const abort = new AbortController()
    const counted = { table: tableOf(snapshot, own('forever')), slice, columns: [] }
    const counting = snapshot.count({ ...counted, signal: abort.signal })
    const running = async (): Promise<number> =>
      (
        await database.query(
          `SELECT id FROM information_schema.processlist WHERE info LIKE 'SELECT count(*)%forever%' AND id <> connection_id()`,
        )
      ).length
    await expect.poll(running).toBe(1)
    abort.abort(new Error('enough'))
    await expect(counting).rejects.toThrow('enough')
    await expect.poll(running).toBe(0)
  })

  test('a table whose values are refused while it is read costs the next one nothing', async () => {
    const client = await database.connect()
    await client.query(`SET sql_mode = 'ALLOW_INVALID_DATES'; CREATE TABLE refused (d date); INSERT INTO refused VALUES ('2026-02-31');
      CREATE VIEW slow AS SELECT 7 AS id, SLEEP(1) AS slept`)
    const snapshot = await openMysqlSource(database).openSnapshot([own('refused'), own('slow')], never)
    const problem = await problemOf(copySegments(snapshot, tableOf(snapshot, own('refused'))))
    expect(problem.code).toBe('SOURCE_VALUE_UNFIT')
    expect(await readRows(snapshot, tableOf(snapshot, own('slow')))).toMatchObject([{ id: '7', slept: '0' }])
  })

  test('keys come in the order asked for, and rows of a few keys are found by their text', async () => {
    await database.query(`CREATE TABLE keyed (a int, b varchar(9) COLLATE utf8mb4_bin, k binary(2), PRIMARY KEY (b, a));
      INSERT INTO keyed VALUES (1, 'x', x'0001'), (2, 'y\\\\''', x'0002')`)
    const { snapshot, table } = await open('keyed')
    expect(table.primaryKey).toEqual(['b', 'a'])
    const keys = table.primaryKey.flatMap(name => table.columns.filter(column => column.name === name))
    expect(await readKeys(snapshot, table, keys, (rows: Sql) => sql`SELECT * FROM (${rows}) ORDER BY a`)).toEqual([
      { b: 'x', a: '1' },
      { b: "y\\'", a: '2' },
    ])
    const pick = (columns: string[], key: string[]): Slice => ({ kind: 'keys', columns, keys: [key] })
    const ids = async (slice: Slice): Promise<unknown[]> =>
      (await readRows(snapshot, table, { slice })).map(row => row['a'])
    expect(await ids(pick(['B', 'a'], ["y\\'", '2']))).toEqual(['2'])
    expect(await ids(pick(['k'], ['0x0001']))).toEqual(['1'])
    const refused = problemOf(copySegments(snapshot, table, { slice: pick(['a'], ["1' OR 1=1"]) }))
    expect(await refused).toMatchObject({ code: 'SOURCE_KEY_INVALID', exit: 2 })
  })

  test('a column that the user may not read is no column that is not there: the table is refused', async () => {
    await database.query(`CREATE TABLE partly (id int PRIMARY KEY, salary int); INSERT INTO partly VALUES (1, 7);
      DROP USER IF EXISTS partly_reader; CREATE USER partly_reader IDENTIFIED BY 'r';
      GRANT SELECT (id) ON \`${database.database}\`.partly TO partly_reader`)
    onTestFinished(async () => void (await database.query('DROP USER partly_reader')))
    const source = openMysqlSource({ ...database, user: 'partly_reader', password: 'r' })
    const { tables } = await source.probe([own('partly')], never)
    expect(problemAt({ tables }, own('partly')).code).toBe('SOURCE_TABLE_FORBIDDEN')
  })

  test('a view over a table that is gone is unusable, with the words of the server', async () => {
    await database.query(
      `CREATE TABLE going (id int PRIMARY KEY); CREATE VIEW stale_view AS SELECT id FROM going; DROP TABLE going`,
    )
    const { tables } = await openMysqlSource(database).probe([own('stale_view')], never)
    const problem = problemAt({ tables }, own('stale_view'))
    expect([problem.code, problem.message]).toEqual([
      'SOURCE_TABLE_UNUSABLE',
      expect.stringContaining('invalid table(s)'),
    ])
  })

  test('each way not to get in has its own problem, and no password shows in it', async () => {
    const port = await findFreePort()
    const secret = 'hunter2-very-secret'
    const cases = [
      [{ port, password: secret }, 'SOURCE_UNREACHABLE'],
      [{ host: 'no-such-host.invalid', tls: 'off' }, 'SOURCE_UNREACHABLE'],
      [{ password: secret }, 'SOURCE_LOGIN_REFUSED'],
      [{ database: 'nowhere' }, 'SOURCE_DATABASE_MISSING'],
    ] as const
    const { inspect } = await import('node:util')
    for (const [changed, code] of cases) {
      const problem = await problemOf(openMysqlSource({ ...database, ...changed }).probe([], never))
      expect([changed, problem.code, problem.exit]).toEqual([changed, code, 3])
      const everything = inspect(problem, { depth: 10, showHidden: true }) + JSON.stringify(problem)
      expect(everything).not.toContain(secret)
      expect(everything).not.toContain(database.password)
    }
  })

  test('encryption that is wanted and not to be had is a refusal, not a plain connection', async () => {
    const { host, port, user, password, database: name } = database
    for (const tls of ['verify', 'insecure'] as const) {
      const connection = { host, port, user, password, database: name, tls }
      const source = createMysqlSource({ name: 'app', connection, timezone: 'UTC', clock: realClock })
      expect(await problemOf(source.probe([], never))).toMatchObject({ code: 'SOURCE_TLS_REFUSED', exit: 3 })
    }
  })

  test('a server that ends the connection in the middle is a problem of the environment, to be tried later', async () => {
    const { snapshot, table } = await open('forever')
    const counting = problemOf(snapshot.count({ table, slice: { kind: 'all' }, columns: [], signal: never }))
    const kill = async (): Promise<number> => {
      const running = await database.query(
        `SELECT id FROM information_schema.processlist WHERE info LIKE 'SELECT count(*)%forever%' AND id <> connection_id()`,
      )
      for (const { id } of running) await database.query(`KILL ${id}`)
      return running.length
    }
    await expect.poll(kill).toBe(1)
    expect(await counting).toMatchObject({ code: 'SOURCE_INTERRUPTED', exit: 3, retry: 'later' })
  })

  test.each(['CONNECTION', 'QUERY'])('a copy that somebody ends by KILL %s leaves no file behind it', async what => {
    const { snapshot, table } = await open('many')
    const directory = await temporaryFolder()
    const request = { table, columns: table.columns, slice: { kind: 'all' } as const, directory, prefix: 'rows' }
    const kill = async (): Promise<void> => {
      const running = await database.query(
        `SELECT id FROM information_schema.processlist WHERE info LIKE 'SELECT 0%many%' AND id <> connection_id()`,
      )
      expect(running.length).toBeGreaterThan(0)
      // One of an earlier test may be among them that is about to be gone.
      for (const { id } of running) await database.query(`KILL ${what} ${id}`).catch(() => undefined)
    }
    const read: string[] = []
    const copying = async (): Promise<void> => {
      for await (const { path, rows } of snapshot.copy({ ...request, segmentBytes: 100_000, signal: never })) {
        expect(rows).toBeGreaterThan(0n)
        if (read.push(basename(path)) === 3) await kill()
      }
    }
    expect(await problemOf(copying())).toMatchObject({
      code: expect.stringMatching(/^SOURCE_(INTERRUPTED|QUERY_FAILED)$/),
    })
    expect((await readdir(directory)).toSorted()).toEqual(read.toSorted())
  })

  test.runIf(process.platform === 'linux')(
    'a silent line is asked after a minute whether it still stands',
    async () => {
      const snapshot = await openMysqlSource(database).openSnapshot([], never)
      expect(Math.min(...(await keepAliveTimers(database.port)))).toBeLessThanOrEqual(60_000)
      await snapshot.close()
    },
  )

  test('a session can read and cannot write', async () => {
    await database.query('CREATE TABLE untouched (id int)')
    const session = await openSession('app', database, never)
    const problem = await problemOf(session.query(sql`INSERT INTO ${ident(database.database, 'untouched')} VALUES (1)`))
    expect(problem.message).toMatch(/READ ONLY transaction/i)
    await session.close()
  })
})

test('without its driver a source says how to install it', async () => {
  const absent = Object.assign(new Error('Cannot find package'), { code: 'ERR_MODULE_NOT_FOUND' })
  const problem = await problemOf(loadDriver('mysql2', 'app', () => Promise.reject(absent)))
  expect([problem.code, problem.hint]).toEqual(['SOURCE_DRIVER_MISSING', 'npm install mysql2'])
  const unknown = Object.assign(new Error('No such built-in module'), { code: 'ERR_UNKNOWN_BUILTIN_MODULE' })
  const builtIn = await problemOf(loadDriver('node:sqlite', 'app', () => Promise.reject(unknown)))
  expect(builtIn.hint).toContain('Node 22.13')
})
