/** `doctor` on real servers: what it says of a login is true, and its script makes one that a run can use. */
import { chmod, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { standBetween } from '../support/between.ts'
import { runInProcess } from '../support/cli-in-process.ts'
import { createMysqlDatabase, hasMariadb, type MysqlDatabase } from '../support/mariadb.ts'
import { createDatabase, type TestDatabase } from '../support/postgres.ts'
import { temporaryFolder } from '../support/source.ts'
import { isTried } from '../support/releases/tried.ts'
import { createSqliteFile } from '../support/sqlite.ts'

interface FoundJson {
  level: string
  about: string
  says: string
  remedy: string | null
  problem: { code: string } | null
}

interface Doctor {
  exit: number
  findings: readonly FoundJson[]
  grants: readonly string[]
  /** Findings of a level as `about: says`. */
  of(level: string): string[]
}

/** A project of one source, whose address may change from command to command. */
async function projectOf(type: string, tables: readonly object[], more = ''): Promise<(url: string) => Commands> {
  const cwd = await temporaryFolder()
  const list = JSON.stringify(tables)
  const text = `name: shop\nsources:\n  desk: { type: ${type}, url: { secret: env:URL }, tables: ${list}${more} }\n`
  await writeFile(join(cwd, 'tidemark.yml'), text)
  return url => ({
    doctor: async () => {
      const at = { cwd, env: { URL: url } }
      const [ended, plain] = [await runInProcess(['doctor', '--json'], at), await runInProcess(['doctor'], at)]
      expect(plain.exit).toBe(ended.exit)
      expect(`${ended.stdout}${plain.stdout}${plain.stderr}`).not.toContain('s3cret')
      const { sources } = JSON.parse(ended.stdout) as { sources: Pick<Doctor, 'findings' | 'grants'>[] }
      const { findings, grants } = sources[0] ?? { findings: [], grants: [] }
      for (const statement of grants) expect(plain.stdout).toContain(statement)
      const of = (level: string): string[] =>
        findings.filter(one => one.level === level).map(({ about, says }) => `${about}: ${says}`)
      return { exit: ended.exit, findings, grants, of }
    },
    run: async () => await runInProcess(['run'], { cwd, env: { URL: url } }),
  })
}

interface Commands {
  doctor(): Promise<Doctor>
  run(): Promise<{ exit: number; stderr: string }>
}

/** A server that stands before the real one and, as poolers do, tells a process number of its own. */
function pool(database: TestDatabase): Promise<number> {
  const KEY_DATA = Buffer.from([0x4b, 0, 0, 0, 12])
  return standBetween(database, bytes => {
    const at = bytes.indexOf(KEY_DATA)
    if (at >= 0) bytes.writeInt32BE(1, at + KEY_DATA.length)
    return bytes
  })
}

const remedies = ({ findings }: Doctor): string[] =>
  findings.filter(({ level }) => level === 'warning').map(({ remedy }) => remedy ?? '')

describe.runIf(isTried('postgres'))('doctor on PostgreSQL', () => {
  let database: TestDatabase
  beforeAll(async () => {
    database = await createDatabase(import.meta.url)
  })
  afterAll(async () => {
    await database.query('DROP SCHEMA IF EXISTS "Shop" CASCADE')
    await database.drop()
  })
  const urlOf = (role: string): string =>
    `postgres://${role}:s3cret@${database.host}:${database.port}/${database.database}`
  const dropRole = (role: string): void =>
    onTestFinished(async () => {
      await database.query(`DROP OWNED BY ${role} CASCADE`)
      await database.query(`DROP ROLE ${role}`)
    })

  test('a login without rights is told what is missing, and the script makes one that runs, with nothing in excess', async () => {
    await database.query(`CREATE SCHEMA "Shop"; CREATE TABLE "Shop"."it's ""open""" (id int PRIMARY KEY, at timestamptz);
      INSERT INTO "Shop"."it's ""open""" VALUES (1, now()); CREATE ROLE doctor_blind LOGIN PASSWORD 's3cret'`)
    dropRole('doctor_blind')
    const table = { schema: 'Shop', table: 'it\'s "open"', name: 'opened', cdc_col: 'at', guarantee: 'server_clock' }
    const as = await projectOf('postgres', [table], ', slot: desk_slot')
    const blind = await as(urlOf('doctor_blind')).doctor()
    expect(blind.findings.flatMap(({ problem }) => problem?.code ?? [])).toEqual([
      'GUARANTEE_NOT_POSSIBLE',
      'SOURCE_TABLE_FORBIDDEN',
    ])
    expect(blind.exit).toBe(2)

    onTestFinished(async () => {
      await database.query("SELECT pg_drop_replication_slot('desk_slot')")
    })
    for (const statement of blind.grants) await database.query(statement)
    dropRole('tidemark_desk')
    await database.query(`ALTER ROLE tidemark_desk PASSWORD 's3cret'`)
    const least = as(urlOf('tidemark_desk'))
    const found = await least.doctor()
    expect([found.exit, found.of('problem'), found.of('warning')]).toEqual([0, [], []])
    expect(found.of('ok')).toEqual(
      expect.arrayContaining(['login: reads as tidemark_desk', 'session: read-only', 'tables: 1 of 1 can be read']),
    )
    expect(await least.run()).toMatchObject({ exit: 0 })
  })

  test('rights in excess are warnings, and the statement beside each takes it away', async () => {
    await database.query(`CREATE TABLE sale (id int PRIMARY KEY, note text); CREATE ROLE doctor_writers;
      CREATE ROLE doctor_writer LOGIN CREATEDB PASSWORD 's3cret' IN ROLE doctor_writers;
      GRANT SELECT, DELETE ON sale TO doctor_writer; GRANT INSERT ON sale TO doctor_writers;
      GRANT UPDATE (note) ON sale TO PUBLIC`)
    dropRole('doctor_writer')
    dropRole('doctor_writers')
    const as = await projectOf('postgres', [{ schema: 'public', table: 'sale' }])
    const before = await as(urlOf('doctor_writer')).doctor()
    expect(remedies(before).toSorted()).toEqual([
      'ALTER ROLE "doctor_writer" NOCREATEDB;',
      'REVOKE DELETE ON TABLE "public"."sale" FROM "doctor_writer";',
      'REVOKE INSERT ON TABLE "public"."sale" FROM "doctor_writers";',
      'REVOKE UPDATE ("note") ON TABLE "public"."sale" FROM PUBLIC;',
    ])
    expect(before.exit).toBe(0)
    for (const statement of remedies(before)) await database.query(statement)
    expect((await as(urlOf('doctor_writer')).doctor()).of('warning')).toEqual([])

    await database.query('ALTER TABLE sale OWNER TO doctor_writers')
    expect((await as(urlOf('doctor_writer')).doctor()).of('warning')).toEqual([
      'rights: doctor_writer owns public.sale, and may change and drop it',
    ])
    expect((await as(database.url).doctor()).of('warning')).toEqual([`rights: ${database.user} is a superuser`])
    await database.query('ALTER TABLE sale OWNER TO CURRENT_USER')
  })

  test('a pooler between is told, and that no settings are left in it', async () => {
    await database.query(`CREATE TABLE pooled (id int PRIMARY KEY); CREATE ROLE doctor_pooled LOGIN PASSWORD 's3cret';
      GRANT SELECT ON pooled TO doctor_pooled`)
    dropRole('doctor_pooled')
    const as = await projectOf('postgres', [{ schema: 'public', table: 'pooled' }])
    const port = await pool(database)
    const pooled = await as(urlOf('doctor_pooled').replace(`:${database.port}/`, `:${port}/`)).doctor()
    expect([pooled.exit, pooled.of('warning')]).toEqual([0, []])
    expect(pooled.of('ok')).toContainEqual(expect.stringContaining('session: read-only; a pooler lies between'))
    expect((await as(urlOf('doctor_pooled')).doctor()).of('ok')).toContain('session: read-only')
  })

  test('rows that a policy would hide are a problem, and so is a server that does not answer; its script is printed', async () => {
    await database.query(`CREATE TABLE guarded (id int); ALTER TABLE guarded ENABLE ROW LEVEL SECURITY;
      CREATE ROLE doctor_guest LOGIN PASSWORD 's3cret'; GRANT SELECT ON guarded TO doctor_guest`)
    dropRole('doctor_guest')
    const as = await projectOf('postgres', [{ schema: 'public', table: 'guarded' }], ', slot: desk_slot')
    const guest = await as(urlOf('doctor_guest')).doctor()
    expect(guest.findings.flatMap(({ problem }) => problem?.code ?? [])).toEqual(['SOURCE_ROW_SECURITY'])
    const away = await as(`postgres://x:s3cret@${database.host}:1/none`).doctor()
    expect([away.exit, away.findings.map(({ problem }) => problem?.code)]).toEqual([3, ['SOURCE_UNREACHABLE']])
    expect(away.grants.slice(-3)).toEqual([
      'ALTER ROLE "tidemark_desk" REPLICATION;',
      'CREATE PUBLICATION "desk_slot" FOR TABLE "public"."guarded";',
      "SELECT pg_create_logical_replication_slot('desk_slot', 'pgoutput');",
    ])
  })
})

describe.runIf(hasMariadb)('doctor on MariaDB', () => {
  let database: MysqlDatabase
  beforeAll(async () => {
    database = await createMysqlDatabase(import.meta.url)
  })
  afterAll(() => database?.drop())
  const urlOf = (user: string): string =>
    `mysql://${user}:s3cret@${database.host}:${database.port}/${database.database}`
  const dropUser = (user: string): void => onTestFinished(async () => void (await database.query(`DROP USER ${user}`)))

  test('the script makes an account that runs, with nothing in excess; another is told what it lacks', async () => {
    const { database: schema } = database
    await database.query(`CREATE TABLE \`it\`\`s "open"\` (id int PRIMARY KEY, at timestamp(6) NULL);
      INSERT INTO \`it\`\`s "open"\` VALUES (1, '2026-01-01'); CREATE TABLE other (id int PRIMARY KEY);
      CREATE USER doctor_blind IDENTIFIED BY 's3cret'; GRANT SELECT ON other TO doctor_blind`)
    dropUser('doctor_blind')
    const table = { schema, table: 'it`s "open"', name: 'opened', cdc_col: 'at', guarantee: 'server_clock' }
    const as = await projectOf('mysql', [table])
    const blind = await as(urlOf('doctor_blind')).doctor()
    expect(blind.findings.flatMap(({ problem }) => problem?.code ?? [])).toEqual([
      'GUARANTEE_NOT_POSSIBLE',
      'SOURCE_TABLE_MISSING',
    ])

    for (const statement of blind.grants.filter(one => !one.startsWith('--'))) await database.query(statement)
    dropUser('tidemark_desk')
    await database.query(`ALTER USER tidemark_desk IDENTIFIED BY 's3cret' ACCOUNT UNLOCK`)
    const least = as(urlOf('tidemark_desk'))
    const found = await least.doctor()
    expect([found.exit, found.of('problem'), found.of('warning')]).toEqual([0, [], []])
    expect(found.of('ok')).toEqual(expect.arrayContaining(['session: read-only', 'tables: 1 of 1 can be read']))
    expect(await least.run()).toMatchObject({ exit: 0 })
  })

  test('rights in excess are warnings wherever they were given, and the statement beside each takes it away', async () => {
    const { database: schema } = database
    const pattern = schema.replaceAll('_', String.raw`\_`)
    await database.query(`CREATE TABLE sale (id int PRIMARY KEY); CREATE USER doctor_writer IDENTIFIED BY 's3cret';
      GRANT SELECT, DELETE ON sale TO doctor_writer; GRANT INSERT ON \`${pattern}\`.* TO doctor_writer;
      GRANT UPDATE, FILE ON *.* TO doctor_writer`)
    dropUser('doctor_writer')
    const as = await projectOf('mysql', [{ schema, table: 'sale' }])
    const before = await as(urlOf('doctor_writer')).doctor()
    expect(remedies(before)).toEqual([
      'REVOKE FILE, UPDATE ON *.* FROM `doctor_writer`@`%`;',
      `REVOKE INSERT ON \`${pattern}\`.* FROM \`doctor_writer\`@\`%\`;`,
      `REVOKE DELETE ON \`${schema}\`.\`sale\` FROM \`doctor_writer\`@\`%\`;`,
    ])
    for (const statement of remedies(before)) await database.query(statement)
    const after = await as(urlOf('doctor_writer')).doctor()
    expect([after.exit, after.of('warning')]).toEqual([0, []])
    await database.query(`CREATE ROLE doctor_role; GRANT INSERT ON sale TO doctor_role; GRANT doctor_role TO doctor_writer;
      SET DEFAULT ROLE doctor_role ${database.isMariadb ? 'FOR' : 'TO'} doctor_writer`)
    onTestFinished(async () => void (await database.query('DROP ROLE doctor_role')))
    expect((await as(urlOf('doctor_writer')).doctor()).of('warning')).toEqual([
      `rights: may write ${schema}.sale, through a role or for single columns`,
    ])
  })
})

test.runIf(isTried('sqlite'))('doctor on SQLite says who else may reach the file, and how to end that', async () => {
  const { path } = await createSqliteFile('CREATE TABLE sale (id integer PRIMARY KEY)')
  const as = await projectOf('sqlite', [{ schema: 'main', table: 'sale' }])
  await chmod(path, 0o646)
  const open = await as(`sqlite:${path}`).doctor()
  expect([open.exit, open.of('warning')]).toEqual([
    0,
    ['permissions: 646: every user of this machine may read and write the file'],
  ])
  await chmod(path, 0o640)
  const closed = await as(`sqlite:${path}`).doctor()
  expect([closed.of('warning'), closed.of('problem'), closed.grants]).toEqual([[], [], []])
})
