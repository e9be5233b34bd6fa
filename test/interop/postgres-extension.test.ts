/** Tables read whole by DuckDB's own extension: the rows of COPY, from the same snapshot, or COPY with the reason why. */
import { setTimeout as delay } from 'node:timers/promises'
import { chmod, chown, copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ident, sql } from '../../packages/tidemark/src/engine/sql.ts'
import { type SourceTable, tableKey } from '../../packages/tidemark/src/sources/source.ts'
import { createPostgresSource } from '../../packages/tidemark/src/sources/postgres/postgres.ts'
import type { ServerConnection } from '../../packages/tidemark/src/sources/server-address.ts'
import { serverAccount } from '../../examples/postgres-install.ts'
import { createProject } from '../support/cli.ts'
import { findMissingOpenssl, makeCertificate } from '../support/cloud/certificate.ts'
import {
  type AsByCopy,
  type DirectOptions,
  directWorldOf,
  expectAsByCopyOf,
  openEngine,
  serverOf,
  sourceParts,
} from '../support/extension/direct-world.ts'
import { EXTENSION } from '../support/extension/installed.ts'
import { WHEN_MISSING } from '../support/interop/installed.ts'
import { createDatabase, RELEASE, startPostgres, type TestDatabase } from '../support/postgres.ts'
import { watched } from '../support/watched-snapshot.ts'
import { createWorld, type EntryOverrides, type World } from '../support/world.ts'

let db: TestDatabase
beforeAll(async () => {
  db = await createDatabase(import.meta.url)
})
afterAll(() => db.drop())

const directWorld = (options?: DirectOptions): ReturnType<typeof directWorldOf> => directWorldOf(db, options)
const expectAsByCopy = (entry: EntryOverrides, options?: AsByCopy): Promise<void> =>
  expectAsByCopyOf(db, entry, options)

/** Type and values; each type is a column, its values are in rows of their own beside NULL. */
const VALUES: Readonly<Record<string, readonly string[]>> = {
  smallint: ['-32768', '0'],
  integer: ['2147483647'],
  bigint: ['-9223372036854775808', '9223372036854775807'],
  oid: ['4294967295'],
  real: ["'NaN'", "'-0'", '0.1', "'-Infinity'", '1e-45'],
  'double precision': ["'NaN'", "'-0'", '0.1', '5e-324', "'Infinity'", '1.7976931348623157e308'],
  boolean: ['true', 'false'],
  'numeric(10,2)': ['-99999999.99', '0', '0.1'],
  'numeric(4,4)': ['0.9999'],
  'numeric(18,0)': ['999999999999999999'],
  'numeric(38,10)': ['1234567890123456789012345678.0123456789', '-0.0000000001'],
  'numeric(38,38)': ['0.00000000000000000000000000000000000001'],
  // A scale below zero, and one above the precision.
  ...(RELEASE < 15 ? {} : { 'numeric(5,-2)': ['-9999900'], 'numeric(3,5)': ['0.00999'] }),
  'numeric(39,1)': ['12345678901234567890123456789012345678.9'],
  numeric: ["'NaN'", '1.2300', ...(RELEASE < 14 ? [] : ["'Infinity'"]), '1e200'],
  money: ["'-92233720368547758.08'", '1.10'],
  date: ["'0001-01-01'", "'9999-12-31'", "'1582-10-10'", "'1969-12-31'"],
  timestamp: ["'0001-01-03'", "'2026-03-29 02:30:00.123456'", "'1969-12-31 23:59:59.999999'"],
  timestamptz: ["'9999-12-31 23:59:59.999999+00'", "'1850-06-01 12:00:00+05:30:20'", "'0001-01-01 00:00:00+00'"],
  time: ["'24:00:00'", "'00:00:00.000001'"],
  timetz: ["'23:59:59.5+02'"],
  interval: ["'-1 year 2 mons -3 days 04:05:06.789'", "'0'"],
  text: [
    "''",
    "'NULL'",
    "'\\N'",
    "'\\.'",
    `E'a,"b"\\r\\n\\tc'`,
    "'\uFEFFbom'",
    "'\u{1F600}'",
    "repeat('long ', 60000)",
  ],
  'varchar(20)': ["'  blanks  '", "''"],
  'char(5)': ["'ab'", "''"],
  '"char"': ["'x'"],
  name: ["'a name'"],
  uuid: ["'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'", "'00000000-0000-0000-0000-000000000000'"],
  json: [`'{"b": 1,  "a": [null]}'`, "'null'"],
  jsonb: [`'{"b": 1,  "a": 1.0e2}'`, "'null'"],
  xml: ["'<a>1</a>'"],
  bytea: ["''", "'\\x00ff5c27'"],
  inet: ["'10.0.0.1'", "'10.0.0.1/8'", "'::1'"],
  cidr: ["'10.0.0.0/8'"],
  'int[]': ["'{}'", "'{1,NULL,{3}}'::text[]::int[]".replace(',{3}', '')],
  'text[]': [`'{"a,b",NULL,""}'`, "'{{a},{b}}'"],
  'numeric(10,2)[]': ["'{1.10,NULL}'"],
  mood: ["'so, so'"],
  pair: ["'(1,)'", "'(,)'", `'(2,"x,y")'`],
  price: ['12345678.90'],
  amounts: ["'{1.5}'"],
  int4range: ["'[1,5)'", "'empty'"],
  point: ["'(1.5,-2)'"],
  'bit(3)': ["B'101'"],
  macaddr: ["'08:00:2b:01:02:03'"],
  tsvector: ["'a:1 b:2'"],
  citext: ["'MiXed'"],
  xid: ["'42'"],
  regclass: ["'pg_class'"],
}

async function createTypes(): Promise<void> {
  const types = Object.keys(VALUES)
  const longest = Math.max(...Object.values(VALUES).map(values => values.length))
  const row = (n: number): string => types.map(type => VALUES[type]?.[n] ?? 'NULL').join(', ')
  const rows = Array.from({ length: longest + 1 }, (_, n) => `(${n}, ${row(n)})`)
  await db.query(`DROP TYPE IF EXISTS mood, pair CASCADE; DROP DOMAIN IF EXISTS amounts, price CASCADE;
    CREATE EXTENSION IF NOT EXISTS citext; CREATE TYPE mood AS ENUM ('sad', 'so, so'); CREATE TYPE pair AS (a int, b text);
    CREATE DOMAIN price AS numeric(10,2); CREATE DOMAIN amounts AS numeric(10,2)[]; DROP TABLE IF EXISTS every;
    CREATE TABLE every (id int PRIMARY KEY, ${types.map((type, n) => `"c ${n}" ${type}`).join(', ')})`)
  for (const one of rows) await db.query(`INSERT INTO every VALUES ${one}`)
}

describe.skipIf(EXTENSION === undefined)(`DuckDB's extension for PostgreSQL (${WHEN_MISSING})`, () => {
  test('every value of every type arrives as by COPY', async () => {
    await createTypes()
    await expectAsByCopy({ table: 'every' })
    await expectAsByCopy({ table: 'every' }, { timezone: 'Asia/Kathmandu' })
  })

  test('what is not a number has one form, whichever bits the server has for it', async () => {
    await db.query(`DROP TABLE IF EXISTS nans; CREATE TABLE nans (id int PRIMARY KEY, v double precision, w real);
      INSERT INTO nans VALUES (1, 'NaN', 'NaN'), (2, '-NaN', '-NaN')`)
    const [world] = await directWorld()
    await world.ingest({ table: 'nans' }, { snapshot: watched(await world.snapshot({ table: 'nans' }), 1).snapshot })
    for (const column of ['v', 'w']) {
      const byText = await world.bronze('nans', sql`CAST(${ident(column)} AS VARCHAR), id`)
      expect(byText.map(({ id }) => id)).toEqual([1n, 2n])
    }
  })

  test('parts, partitions, filters, masks, left-out columns and rows without a version arrive as by COPY', async () => {
    await db.query(`DROP TABLE IF EXISTS leaf, big CASCADE; CREATE TABLE big (id int PRIMARY KEY, v text, "c0" numeric(10,2), at timestamptz);
      INSERT INTO big SELECT n, repeat('x', 100) || n, n, now() FROM generate_series(1, 4000) n; ANALYZE big;
      CREATE TABLE leaf (id int, p text, v int, PRIMARY KEY (id, p)) PARTITION BY LIST (p);
      CREATE TABLE leaf_a PARTITION OF leaf FOR VALUES IN ('a'); CREATE TABLE leaf_b PARTITION OF leaf FOR VALUES IN ('b');
      INSERT INTO leaf SELECT n, CASE n % 2 WHEN 0 THEN 'a' ELSE 'b' END, n FROM generate_series(1, 50) n;
      CREATE VIEW seen AS SELECT * FROM big WHERE id <= 100`)
    await expectAsByCopy({ table: 'big' }, { chunkBytes: 64n * 1024n })
    await expectAsByCopy({ table: 'leaf' })
    await expectAsByCopy({ table: 'big', filter: "v LIKE '%7' AND c0 > 10" })
    await expectAsByCopy(
      { table: 'big', masks: { v: 'hash', c0: 'partial', at: 'hash' } },
      { salt: () => 'sixteen characters' },
    )
    await expectAsByCopy({ table: 'big', excludeColumns: ['v'], asText: ['c0', 'at'] })
    await expectAsByCopy({ table: 'seen', primaryKey: ['id'] })
    await expectAsByCopy(
      { table: 'seen', primaryKey: ['id'], masks: { v: 'hash', c0: 'null' } },
      { salt: () => 'sixteen characters' },
    )
  })

  test('what is committed after the snapshot waits for the next run, and is not lost', async () => {
    await db.query(
      'DROP TABLE IF EXISTS live; CREATE TABLE live (id int PRIMARY KEY, v int); INSERT INTO live VALUES (1, 1), (2, 2)',
    )
    const [world, warned] = await directWorld()
    const snapshot = await world.snapshot({ table: 'live' })
    await db.query('INSERT INTO live VALUES (3, 3); UPDATE live SET v = 20 WHERE id = 2; DELETE FROM live WHERE id = 1')
    const only = watched(snapshot, 1)
    await world.ingest({ table: 'live' }, { snapshot: only.snapshot })
    expect(await world.live('live', sql`id`)).toMatchObject([
      { id: 1n, v: 1n },
      { id: 2n, v: 2n },
    ])
    await world.ingest({ table: 'live' })
    expect(await world.live('live', sql`id`)).toMatchObject([
      { id: 2n, v: 20n },
      { id: 3n, v: 3n },
    ])
    expect(warned).toEqual([])
  })

  test('an extension that is not there, is none or was tampered with leaves COPY and says so', async () => {
    await db.query('DROP TABLE IF EXISTS one; CREATE TABLE one (id int PRIMARY KEY); INSERT INTO one VALUES (1)')
    const folder = await mkdtemp(join(tmpdir(), 'tidemark-extension-'))
    try {
      const torn = join(folder, 'postgres_scanner.duckdb_extension')
      await writeFile(torn, 'no extension')
      const unsigned = join(folder, 'other.duckdb_extension')
      await copyFile(EXTENSION ?? '', unsigned)
      await writeFile(unsigned, 'tampered', { flag: 'a' })
      for (const [direct, reason] of [
        [{ file: join(folder, 'absent.duckdb_extension') }, /absent/],
        [{ file: torn }, /not a DuckDB extension|metadata/i],
        [{ file: unsigned }, /metadata|signature/i],
      ] as const) {
        const [world, warned] = await directWorld(direct)
        await world.ingest({ table: 'one' })
        expect(await world.bronze('one')).toHaveLength(1)
        expect(warned).toEqual([expect.stringMatching(reason)])
        expect(warned[0]).toMatch(/^read by COPY: /)
      }
    } finally {
      await rm(folder, { recursive: true })
    }
  })

  test('who wants a database of an engine that got ready is told what failed, and nobody has to want it', async () => {
    const { host, port, database, user } = serverOf(db)
    const login = { host, port: String(port), database, user, password: 'wrong' }
    for (const [file, reason] of [
      [EXTENSION, 'password authentication failed'],
      ['/absent.duckdb_extension', 'absent'],
    ] as const) {
      const engine = await openEngine()
      engine.prepareBeside({ name: 'source app', file })
      engine.prepareBeside({ name: 'source other', file })
      await expect(engine.sessionBeside({ name: 'source app', file, options: {}, login })).rejects.toThrow(reason)
      await engine.close()
    }
  })

  test('a server that lets nobody in says so without the password', async () => {
    await db.query('DROP TABLE IF EXISTS one; CREATE TABLE one (id int PRIMARY KEY); INSERT INTO one VALUES (1)')
    let asked = 0
    const { password } = serverOf(db)
    // Our own sessions are let in, the extension is not.
    const secret = "wrong'secret\\word"
    const [world, warned] = await directWorld({
      connection: {
        password: () => (new Error().stack?.includes('extension.ts') === true ? (asked++, secret) : password),
      },
    })
    await world.ingest({ table: 'one' })
    expect(asked).toBe(1)
    expect(warned).toEqual([expect.stringContaining('password authentication failed')])
    expect(warned.join()).not.toContain('secret')
  })

  test('a certificate that would be verified by other authorities than ours leaves COPY and says so', async () => {
    const [world, warned] = await directWorld({ connection: { tls: 'verify' } })
    await expect(world.ingest({ table: 'one' })).rejects.toMatchObject({ code: 'SOURCE_TLS_REFUSED' })
    expect(warned).toEqual([])
  })

  test('plan says that first loads are read by it, or why by COPY', async () => {
    await db.query(`DROP TABLE IF EXISTS one; CREATE TABLE one (id int PRIMARY KEY); INSERT INTO one VALUES (1);
      DROP TABLE IF EXISTS loose; CREATE TABLE loose (v text); INSERT INTO loose VALUES ('a')`)
    const notesWith = async (file: string): Promise<Map<string, string>> => {
      const tables = '[{ schema: public, table: one }, { schema: public, table: loose }]'
      const project = await createProject(
        {
          'tidemark.yml': `name: t\nlake: ./lake\nsources:
  app: { type: postgres, url: { secret: env:APP_URL }, duckdb_extension: "${file}", tables: ${tables} }\n`,
        },
        { APP_URL: db.url },
        'in this process',
      )
      const plan = async (): Promise<Map<string, string>> => {
        const { stdout, stderr } = await project.tidemark('plan', '--json')
        expect(stderr).toBe('')
        const { steps } = JSON.parse(stdout) as { steps: { id: string; notes: string[] }[] }
        return new Map(steps.map(({ id, notes }) => [id, notes.filter(note => note.startsWith('read by')).join()]))
      }
      const before = await plan()
      expect((await project.run()).status).toBe('succeeded')
      expect((await plan()).get('bronze.one')).toBe('')
      return before
    }
    const byIt = await notesWith(EXTENSION ?? '')
    expect(byIt.get('bronze.one')).toBe('read by DuckDB’s extension, which refuses no row for its length')
    expect(byIt.get('bronze.loose')).toMatch(/^read by COPY: without a key/)
    expect((await notesWith('/nowhere/absent.duckdb_extension')).get('bronze.one')).toMatch(/^read by COPY: .*absent/)
  })

  test.skipIf(findMissingOpenssl() !== undefined)(
    'an encrypted line whose authority is named by `ca` is read by it and checked; by another authority, or none, it is COPY with the reason',
    async () => {
      const folder = await mkdtemp(join(tmpdir(), 'tidemark-extension-tls-'))
      const { cert, key } = makeCertificate(folder)
      const { uid, gid } = await serverAccount()
      await chmod(folder, 0o755)
      if (uid !== undefined && gid !== undefined) await chown(key, uid, gid)
      const config = { ssl: 'on', ssl_cert_file: cert, ssl_key_file: key, fsync: 'off' }
      const encrypted = await startPostgres({ directory: join(folder, 'postgres'), config })
      try {
        const { host, port, user, password } = encrypted
        await encrypted.query(`CREATE TABLE one (id int PRIMARY KEY, v text); INSERT INTO one SELECT n, 'v' || n FROM generate_series(1, 9) n;
          CREATE VIEW lines AS SELECT 1 AS id, ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()`)
        const address = { host, port, user, password, database: 'postgres', tls: 'verify' as const }
        const trusted = { ...address, ca: await readFile(cert, 'utf8'), caFile: cert }
        const worldOf = async (connection: ServerConnection): Promise<[World, string[]]> => {
          const warned: string[] = []
          const source = createPostgresSource({ ...sourceParts(db), connection, extension: { file: EXTENSION } })
          return [await createWorld(db, { source, warn: one => warned.push(one) }), warned]
        }
        const [world, warned] = await worldOf(trusted)
        const only = watched(await world.snapshot({ table: 'one' }), 1)
        await world.ingest({ table: 'one' }, { snapshot: only.snapshot })
        expect(await world.bronze('one')).toHaveLength(9)
        // The session of the extension itself says that its line is encrypted.
        const lines = watched(await world.snapshot({ table: 'lines' }), 1)
        await world.ingest({ table: 'lines', primaryKey: ['id'] }, { snapshot: lines.snapshot })
        expect(await world.bronze('lines')).toMatchObject([{ ssl: true }])
        expect(warned).toEqual([])
        // Another authority is believed by neither; one that only our own sessions know leaves COPY, and the reason.
        const other = await mkdtemp(join(tmpdir(), 'tidemark-extension-other-'))
        const stranger = makeCertificate(other).cert
        const [half, said] = await worldOf({ ...trusted, caFile: stranger })
        await half.ingest({ table: 'one' })
        expect(await half.bronze('one')).toHaveLength(9)
        expect(said).toEqual([expect.stringMatching(/^read by COPY: .*certificate/)])
        const [unnamed, saidOfIt] = await worldOf({ ...address, ca: await readFile(cert, 'utf8') })
        await unnamed.ingest({ table: 'one' })
        expect(saidOfIt).toEqual([expect.stringMatching(/no `ca` is named that the extension could be given/)])
        await rm(other, { recursive: true })
      } finally {
        await encrypted.stop('immediate')
        await rm(folder, { recursive: true, force: true })
      }
    },
  )

  test('a lock that others wait for in front is not waited for', async () => {
    await db.query('DROP TABLE IF EXISTS held; CREATE TABLE held (id int PRIMARY KEY); INSERT INTO held VALUES (1)')
    const [world, warned] = await directWorld()
    const snapshot = await world.snapshot({ table: 'held' })
    const waiting = db.query('ALTER TABLE held ADD COLUMN more int')
    const isWaiting = async (): Promise<boolean> =>
      (await db.query("SELECT 1 FROM pg_locks WHERE NOT granted AND relation = 'held'::regclass")).length > 0
    while (!(await isWaiting())) await delay(20)
    await world.ingest({ table: 'held' }, { snapshot })
    expect(await world.bronze('held')).toHaveLength(1)
    expect(warned).toEqual([expect.stringContaining('could not obtain lock')])
    await snapshot.close()
    await waiting
  })

  test('one connection beside the snapshot is enough, and none is left behind', async () => {
    await db.query(`DROP TABLE IF EXISTS big CASCADE; CREATE TABLE big (id int PRIMARY KEY, v text);
      INSERT INTO big SELECT n, repeat('x', 100) || n FROM generate_series(1, 4000) n; ANALYZE big`)
    const [world, warned] = await directWorld({ maxConnections: 2, options: { chunkBytes: 64n * 1024n } })
    const snapshot = watched(await world.snapshot({ table: 'big' }), 1)
    await world.ingest({ table: 'big' }, { snapshot: snapshot.snapshot })
    // A server that cannot be read in parts is read in one go, by the extension, too.
    expect(warned).toEqual(RELEASE < 14 ? [expect.stringContaining('read in one go')] : [])
    await snapshot.snapshot.close()
    const open = `SELECT count(*)::int AS n FROM pg_stat_activity
      WHERE application_name = 'tidemark' AND datname = current_database()`
    await expect.poll(async () => (await db.query(open))[0]?.['n']).toBe('0')
  })

  test('a read that is stopped stops on the server, too', async () => {
    await db.query(`CREATE OR REPLACE FUNCTION slow(int) RETURNS boolean LANGUAGE sql AS 'SELECT pg_sleep(600) IS NOT NULL';
      CREATE OR REPLACE VIEW endless AS SELECT g AS id FROM generate_series(1, 3) g WHERE g < 3 OR slow(g)`)
    const engine = await openEngine()
    const source = createPostgresSource({ ...sourceParts(db), extension: { file: EXTENSION } })
    const stop = new AbortController()
    const { signal } = stop
    const ref = { schema: 'public', table: 'endless' }
    const snapshot = await source.openSnapshot([ref], signal)
    const table = snapshot.tables.get(tableKey(ref)) as SourceTable
    const read = await snapshot.openDirect?.({ engine, table, columns: table.columns, slice: { kind: 'all' }, signal })
    if (read === undefined || typeof read === 'string') throw new Error(`it was not read directly: ${read}`)
    // Nothing of it is where statements of flows run.
    await using lake = await engine.session()
    expect(await lake.rows(sql`FROM duckdb_databases() WHERE type = 'postgres'`)).toEqual([])
    await expect(lake.rows(sql`FROM postgres_query('source app', 'SELECT 1')`)).rejects.toThrow('postgres_query')
    const [stream] = read.streams
    const counting = stream?.session.count(sql`SELECT count(*) FROM (${stream.relation})`, signal)
    const sleeps = `SELECT count(*)::int AS n FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND datname = current_database()`
    await expect.poll(async () => (await db.query(sleeps))[0]?.['n']).toBe('1')
    stop.abort(new Error('enough'))
    await expect(counting).rejects.toThrow('enough')
    await expect.poll(async () => (await db.query(sleeps))[0]?.['n']).toBe('0')
    await read[Symbol.asyncDispose]()
    await source.close()
    await engine.close()
  })
})
