/**
 * Zones of this machine and of the server: no value, no mark and no row depends on either, and a lake goes on when both
 * have moved, over hours that come twice and hours that never come.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import mysql from 'mysql2/promise'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { sql } from '../../packages/tidemark/src/engine/sql.ts'
import { Problem } from '../../packages/tidemark/src/errors/problem.ts'
import { boundStatement } from '../../packages/tidemark/src/sources/postgres/cursor.ts'
import { createMysqlDatabase, hasMariadb, type MysqlDatabase } from '../support/mariadb.ts'
import { findServer, startMariadb } from '../support/mariadb-server.ts'
import { createDatabase, type TestDatabase } from '../support/postgres.ts'
import { openSqliteSource, realClock } from '../support/source.ts'
import { isTried } from '../support/releases/tried.ts'
import { createSqliteFile } from '../support/sqlite.ts'
import { clockIn, moveTo, teachZones, ZONES } from '../support/time-zones.ts'
import { createWorld, type EntryOverrides, type World, type WorldOptions } from '../support/world.ts'

/** What clocks have shown that went forward, back, or by a quarter of an hour, in one zone or another. */
const LOCAL = [
  '2026-03-29 01:59:59.999999',
  '2026-03-29 02:30:00.000001',
  '2026-10-25 02:30:00',
  '2026-03-08 02:30:00.123456',
  '2026-11-01 01:30:00',
  '1986-01-01 00:07:00',
  '1970-01-01 00:00:01',
  '2037-12-31 23:59:59.999999',
]
/** Instants around the same hours, in seconds since 1970. */
const INSTANTS = [
  1, 504_901_800, 1_772_953_200, 1_774_745_999, 1_774_746_000, 1_792_887_300, 1_792_890_900, 2_145_916_799,
]

/** Every half an hour around the changes of summer time, and a day without one. */
const INSTANTS_OF_2026 = ['03-08', '03-29', '07-01', '10-25', '11-01'].flatMap(day =>
  Array.from(
    { length: 18 },
    (_, n) => `2026-${day} ${String(n >> 1).padStart(2, '0')}:${n % 2 === 0 ? '00' : '30'}+00`,
  ),
)

interface Moved {
  name: string
  /** Fill `moments (id, zoned, local, day)`. */
  fill: () => Promise<void>
  /** Connections that are opened from now on find the server in this zone. */
  moveServer: (zone: string) => Promise<void>
  world: (options?: WorldOptions) => Promise<World>
}

/** Everything a fresh lake holds and knows of the table, as texts. */
async function load(from: Moved, entry: EntryOverrides): Promise<string[]> {
  const world = await from.world()
  await world.ingest(entry)
  const rows = await world.bronze('moments', sql`id`)
  const values = rows.map(row =>
    Object.entries(row)
      .filter(([name]) => !['_seq', '_run_id', '_ingested_at', '_row_version'].includes(name))
      .map(([name, value]) => `${name}=${String(value)}`)
      .join(' '),
  )
  return [...values, JSON.stringify((await world.mark('moments')).cursor)]
}

function timeZoneContract(from: Moved): void {
  const entries: EntryOverrides[] = [
    { table: 'moments' },
    { table: 'moments', cdcCol: 'zoned', guarantee: 'best_effort' },
    { table: 'moments', cdcCol: 'local', guarantee: 'best_effort' },
  ]
  test(`fresh lakes from ${from.name} are the same wherever this machine and the server are`, async () => {
    await from.fill()
    const [first, second, third] = await Promise.all(entries.map(entry => load(from, entry)))
    expect(first).toHaveLength(LOCAL.length + 1)
    for (const [n, zone] of ZONES.entries()) {
      await from.moveServer(zone)
      for (const client of ZONES) {
        moveTo(client)
        const entry = entries[n % entries.length] ?? { table: 'moments' }
        expect(await load(from, entry), `${zone}, ${client}`).toEqual([first, second, third][n % entries.length])
      }
    }
  })
}

/** A lake that goes on while everything moves: a row is added and one is changed before each run. Gives verify's word. */
async function continued(
  from: Pick<Moved, 'moveServer' | 'world'>,
  at: { entry: EntryOverrides; options?: WorldOptions; write: (n: number) => Promise<void> },
): Promise<string> {
  const world = await from.world(at.options)
  const { entry } = at
  await at.write(0)
  await world.ingest(entry)
  const zones = [...ZONES, ...ZONES.toReversed()]
  for (const [n, zone] of zones.entries()) {
    await from.moveServer(zone)
    moveTo(zones[(n + 3) % zones.length] ?? zone)
    await at.write(n + 1)
    const { ledger } = await world.ingest(entry)
    expect([ledger.inserted, ledger.deletes], zone).toEqual([2n, 0n])
  }
  expect(await world.bronze(entry.table)).toHaveLength(1 + 2 * zones.length)
  return (await world.verify(entry)).status
}

describe.runIf(isTried('postgres'))('PostgreSQL', () => {
  let db: TestDatabase
  beforeAll(async () => {
    db = await createDatabase(import.meta.url)
  })
  afterAll(() => db.drop())
  const moveServer = async (zone: string): Promise<void> =>
    void (await db.query(`ALTER DATABASE ${db.database} SET timezone = '${zone}'`))
  const world = (options?: WorldOptions): Promise<World> => createWorld(db, options)

  timeZoneContract({
    name: 'PostgreSQL',
    fill: async () => {
      await db.query('CREATE TABLE moments (id int PRIMARY KEY, zoned timestamptz, local timestamp, day date)')
      for (const [id, local] of LOCAL.entries()) {
        await db.query(`INSERT INTO moments VALUES (${id}, to_timestamp(${INSTANTS[id]}.25), '${local}', '${local}')`)
      }
    },
    moveServer,
    world,
  })

  test.each([
    ['timestamptz', 'now()', 'UTC'],
    ['timestamp', `now() AT TIME ZONE 'Europe/Berlin'`, 'Europe/Berlin'],
    ['timestamp', 'now()', 'UTC'],
  ])('a lake continued by a cursor of %s set to %s loses and doubles nothing', async (type, now, timezone) => {
    await db.query(`DROP TABLE IF EXISTS item; CREATE TABLE item (id int PRIMARY KEY, v text, at ${type})`)
    const write = async (n: number): Promise<void> => {
      // Sessions keep the zone that they began in.
      const client = await db.connect()
      await client.query(`UPDATE item SET v = 'changed ${n}', at = ${now} WHERE id = ${n - 1}`)
      await client.query(`INSERT INTO item VALUES (${n}, 'new', ${now})`)
    }
    const entry: EntryOverrides = { table: 'item', cdcCol: 'at', guarantee: 'server_clock' }
    expect(await continued({ moveServer, world }, { entry, options: { timezone }, write })).toBe('equal')
  })

  test('no clock shows a time behind its bound from then on, in any hour around those that come twice', async () => {
    await db.query('CREATE TABLE clocks (id int PRIMARY KEY, at timestamp)')
    for (const zone of ZONES) {
      await moveServer(zone)
      const snapshot = await (await world()).snapshot({ table: 'clocks' })
      const [table] = snapshot.tables.values()
      const column = table instanceof Problem ? undefined : table?.columns.find(({ name }) => name === 'at')
      if (table === undefined || table instanceof Problem || column === undefined) throw new Error('no table')
      for (const timezone of ZONES) {
        const behind = INSTANTS_OF_2026.map(now => {
          const clock = { now, openSince: now, aheadOfUtc: snapshot.aheadOfUtc ?? 0, hidden: undefined }
          const bound = boundStatement(table, column, { cap: { kind: 'lag', ms: 0 }, clock, timezone })
          return `SELECT '${now}' AS instant FROM (${bound?.text}) AS b, generate_series('${now}', '${now}'::timestamptz + '1 day', '15 min') u
            WHERE least(u AT TIME ZONE '${zone}', u AT TIME ZONE '${timezone}') < bound::timestamp`
        })
        expect(await db.query(behind.join(' UNION ')), `${zone}, ${timezone}`).toEqual([])
      }
    }
  })
})

describe.runIf(hasMariadb)('MySQL and MariaDB', () => {
  let db: MysqlDatabase
  beforeAll(async () => {
    db = await createMysqlDatabase(import.meta.url)
    await teachZones(db)
  })
  afterAll(async () => {
    await db?.query(`SET GLOBAL time_zone = 'SYSTEM'`)
    await db?.drop()
  })
  const moveServer = async (zone: string): Promise<void> => void (await db.query(`SET GLOBAL time_zone = '${zone}'`))
  const world = (options?: WorldOptions): Promise<World> => createWorld(db, { ...options, type: 'mysql' })

  timeZoneContract({
    name: 'MySQL and MariaDB',
    fill: async () => {
      await db.query(
        'CREATE TABLE moments (id int PRIMARY KEY, zoned timestamp(6) NULL, local datetime(6), day date) ENGINE = InnoDB',
      )
      for (const [id, local] of LOCAL.entries()) {
        await db.query(
          `INSERT INTO moments VALUES (${id}, from_unixtime(${INSTANTS[id]}.25), '${local}', '${local.slice(0, 10)}')`,
        )
      }
    },
    moveServer,
    world,
  })

  test.each([
    ['timestamp(6)', 'now(6)', 'UTC'],
    ['datetime(6)', `convert_tz(utc_timestamp(6), '+00:00', 'Europe/Berlin')`, 'Europe/Berlin'],
    ['datetime(6)', 'now(6)', 'UTC'],
    ['datetime', 'now()', 'America/New_York'],
  ])('a lake continued by a cursor of %s set to %s loses and doubles nothing', async (type, now, timezone) => {
    await db.query(`DROP TABLE IF EXISTS item; CREATE TABLE item (id int PRIMARY KEY, v varchar(99), at ${type} NULL)`)
    const write = async (n: number): Promise<void> => {
      const client = await db.connect()
      await client.query(`UPDATE item SET v = 'changed ${n}', at = ${now} WHERE id = ${n - 1}`)
      await client.query(`INSERT INTO item VALUES (${n}, 'new', ${now})`)
    }
    const entry: EntryOverrides = { table: 'item', cdcCol: 'at', guarantee: 'server_clock' }
    expect(await continued({ moveServer, world }, { entry, options: { timezone }, write })).toBe('equal')
  })

  /** Sessions of others, ours among them, see this instant as now. */
  const setClock = async (ms: number): Promise<void> =>
    void (await db.query(`SET GLOBAL init_connect = 'SET timestamp = ${ms / 1000}'`))

  test('a cursor without a zone goes through the hour that comes twice, and the one that never comes', async () => {
    await db.query('DROP TABLE IF EXISTS item; CREATE TABLE item (id int PRIMARY KEY, v varchar(99), at datetime(3))')
    await db.query(`CREATE USER clock_reader IDENTIFIED BY 'c'; GRANT SELECT ON ${db.database}.* TO clock_reader`)
    const reader = { ...db, user: 'clock_reader', password: 'c' }
    try {
      const rows = await throughFolds({
        world: () => createWorld(reader, { type: 'mysql', timezone: 'Europe/Berlin' }),
        setClock,
        write: async statement => void (await db.query(statement)),
      })
      expect(rows).toBe(27)
    } finally {
      await db.query(`SET GLOBAL init_connect = ''; DROP USER clock_reader`)
    }
  })
})

describe.runIf(hasMariadb)('a MySQL or MariaDB server on a machine in New York', () => {
  test('shows when transactions began by its own clock, and what they wrote is read once', async () => {
    const program = await findServer()
    if (program === undefined) throw new Error('there is no server')
    const folder = await mkdtemp(join(tmpdir(), 'tidemark-new-york-'))
    const server = await startMariadb(program, folder, 'America/New_York')
    onTestFinished(async () => {
      await server.stop()
      await rm(folder, { recursive: true, force: true })
    })
    const { host, port, user, password } = server
    const login = { host, port, user, password }
    const [held, other] = await Promise.all([mysql.createConnection(login), mysql.createConnection(login)])
    await other.query('CREATE DATABASE york')
    const [first] = await other.query<mysql.RowDataPacket[]>(
      `SELECT timestampdiff(HOUR, utc_timestamp(), now()) AS hours`,
    )
    expect([-5, -4]).toContain(Number(first[0]?.['hours']))
    await other.query('CREATE TABLE york.item (id int PRIMARY KEY, v varchar(9), at datetime(6) DEFAULT now(6))')
    const world = await createWorld({ ...login, database: 'york' }, { type: 'mysql' })
    const entry: EntryOverrides = { table: 'item', cdcCol: 'at', guarantee: 'server_clock' }
    await held.query(`START TRANSACTION`)
    await held.query(`INSERT INTO york.item (id, v) VALUES (1, 'late')`)
    await other.query(`INSERT INTO york.item (id, v) VALUES (2, 'early')`)
    expect((await world.ingest(entry)).ledger).toMatchObject({ inserted: 1n })
    await held.query(`COMMIT`)
    expect((await world.ingest(entry)).ledger).toMatchObject({ inserted: 1n })
    await other.query(`UPDATE york.item SET v = 'last', at = now(6) WHERE id = 1`)
    expect((await world.ingest(entry)).ledger).toMatchObject({ inserted: 1n })
    await Promise.all([held.end(), other.end()])
  })
})

describe.runIf(isTried('sqlite'))('SQLite', () => {
  const setUp = `CREATE TABLE moments (id int PRIMARY KEY, zoned datetime, local datetime, day date);
    ${LOCAL.map((local, id) => `INSERT INTO moments VALUES (${id}, strftime('%Y-%m-%dT%H:%M:%f', ${INSTANTS[id]}.25, 'unixepoch') || 'Z', '${local}', '${local.slice(0, 10)}')`).join(';')}`
  let path: string
  timeZoneContract({
    name: 'SQLite',
    fill: async () => {
      path = (await createSqliteFile(setUp)).path
    },
    // A file is in no zone; what SQLite calls local time is this machine's.
    moveServer: () => Promise.resolve(),
    world: options => createWorld(path, options),
  })

  test.each(['UTC', 'Europe/Berlin', 'America/New_York'])(
    'a lake continued by a cursor in %s loses and doubles nothing',
    async timezone => {
      const { path: file, writer } = await createSqliteFile(
        'CREATE TABLE item (id int PRIMARY KEY, v text, at datetime)',
      )
      const write = (n: number): Promise<void> => {
        const now = clockIn(timezone, Date.now())
        writer.exec(`UPDATE item SET v = 'changed ${n}', at = '${now}' WHERE id = ${n - 1};
          INSERT INTO item VALUES (${n}, 'new', '${now}')`)
        return Promise.resolve()
      }
      const entry: EntryOverrides = { table: 'item', cdcCol: 'at', guarantee: 'bounded_lag', lagMs: 60_000 }
      const at = { moveServer: () => Promise.resolve(), world: (options?: WorldOptions) => createWorld(file, options) }
      expect(await continued(at, { entry, options: { timezone }, write })).toBe('equal')
    },
  )

  test('a cursor without a zone goes through the hour that comes twice, and the one that never comes', async () => {
    const { path: file, writer } = await createSqliteFile('CREATE TABLE item (id int PRIMARY KEY, v text, at datetime)')
    let now = 0
    const rows = await throughFolds({
      world: () => {
        const timezone = 'Europe/Berlin'
        const source = openSqliteSource(file, { timezone, clock: { ...realClock, now: () => now } })
        return createWorld(file, { timezone, source })
      },
      setClock: ms => Promise.resolve(void (now = ms)),
      write: statement => Promise.resolve(writer.exec(statement)),
    })
    expect(rows).toBe(27)
  })
})

/** Every half an hour around the changes of 2026 in Berlin a row is added and one is changed; a run reads both. Gives the rows of bronze. */
async function throughFolds(at: {
  world: () => Promise<World>
  setClock: (ms: number) => Promise<void>
  write: (statement: string) => Promise<void>
}): Promise<number> {
  const entry: EntryOverrides = { table: 'item', cdcCol: 'at', guarantee: 'bounded_lag', lagMs: 60_000 }
  const halves = Array.from({ length: 7 }, (_, n) => n * 1_800_000)
  const starts = ['2026-03-28T23:45:00Z', '2026-10-24T23:45:00Z'].map(Date.parse)
  const world = await at.world()
  let n = 0
  for (const ms of starts.flatMap(start => halves.map(half => start + half))) {
    await at.setClock(ms)
    const shown = clockIn('Europe/Berlin', ms)
    await at.write(`UPDATE item SET v = 'changed ${n}', at = '${shown}' WHERE id = ${n - 1}`)
    await at.write(`INSERT INTO item VALUES (${n}, 'new', '${shown}')`)
    const { ledger, method } = await world.ingest(entry)
    expect([ledger.inserted, ledger.deletes], shown).toEqual([n === 0 ? 1n : 2n, 0n])
    if (n > 0) expect(method, shown).toBe('cursor at, lag 1m')
    n += 1
  }
  return (await world.bronze('item')).length
}
