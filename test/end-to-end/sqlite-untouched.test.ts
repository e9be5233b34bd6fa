/** Whatever a command does with a SQLite source, the file and its folder are afterwards what they were before, byte for byte. */
import { createHash } from 'node:crypto'
import { chmod, copyFile, readdir, readFile, stat } from 'node:fs/promises'
import { DatabaseSync } from 'node:sqlite'
import { dirname } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { type CliProject, createProject, TIDEMARK } from '../support/cli.ts'
import { hasReader } from '../support/reader.ts'
import { createSqliteFile, type SqliteFile } from '../support/sqlite.ts'
import { runProgram } from '../packaging/programs.ts'

const SHOP = `CREATE TABLE users (id integer PRIMARY KEY, name text);
  WITH RECURSIVE c (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < 500) INSERT INTO users SELECT i, 'n' || i FROM c`
const COMMANDS = [['plan'], ['run'], ['run'], ['verify'], ['doctor'], ['trace', 'bronze.users', 'id=7']]

async function open(file: SqliteFile): Promise<CliProject> {
  return await createProject({
    'tidemark.yml': `name: shop\nlake: ./lake\nsources: { app: { type: sqlite, url: "${file.url}", tables: list.json } }\n`,
    'list.json': '[{ "schema": "main", "table": "users" }]',
  })
}

/** Names, sizes, times and contents of what lies in the folder of the file. */
async function look({ path }: SqliteFile): Promise<string[]> {
  const folder = dirname(path)
  const names = (await readdir(folder)).toSorted()
  return await Promise.all(
    names.map(async name => {
      const { mtimeNs, mode } = await stat(`${folder}/${name}`, { bigint: true })
      const hash = createHash('sha256')
        .update(await readFile(`${folder}/${name}`))
        .digest('hex')
      return `${name} ${mode} ${name.endsWith('-shm') ? '' : `${mtimeNs} ${hash}`}`
    }),
  )
}

test.each(['wal', 'delete'] as const)('a file that nobody has open (%s)', async journal => {
  const file = await createSqliteFile(SHOP, journal)
  file.writer.close()
  const project = await open(file)
  const before = await look(file)
  expect(before).toHaveLength(1)
  for (const args of COMMANDS) {
    const { exit, stderr } = await project.tidemark(...args)
    expect(exit, `${args.join(' ')}: ${stderr}`).toBe(0)
    expect(await look(file), args.join(' ')).toEqual(before)
  }
})

test('a file whose application is at work keeps its log and what is in it', async () => {
  const file = await createSqliteFile(SHOP, 'wal')
  file.writer.exec('PRAGMA wal_autocheckpoint = 0; UPDATE users SET name = name || 1')
  const project = await open(file)
  const before = await look(file)
  expect(before).toHaveLength(3)
  for (const args of COMMANDS) {
    const { exit, stderr } = await project.tidemark(...args)
    expect(exit, `${args.join(' ')}: ${stderr}`).toBe(0)
    expect(await look(file), args.join(' ')).toEqual(before)
  }
  file.writer.exec(`INSERT INTO users VALUES (501, 'later')`)
  expect((await project.run()).step('bronze.users').ledger).toMatchObject({ inserted: '1' })
})

test('what a killed reader left beside the file is gone after the next run', async () => {
  const file = await createSqliteFile(SHOP, 'wal')
  file.writer.close()
  const project = await open(file)
  const before = await look(file)
  const reader = new DatabaseSync(file.path, { readOnly: true })
  reader.prepare('SELECT count(*) FROM users').all()
  reader.close()
  expect(await look(file)).toHaveLength(3)
  expect((await project.run()).exit).toBe(0)
  expect(await look(file)).toEqual(before)
})

test('the journal of a writer that died is left to the next writer, and said to be', async () => {
  const file = await createSqliteFile(SHOP, 'delete')
  const died = await createSqliteFile('', 'delete')
  died.writer.close()
  // Pages that were written before the end of their transaction, with the journal that takes them back.
  file.writer.exec(
    `PRAGMA cache_size = 1; PRAGMA cache_spill = 1; BEGIN; UPDATE users SET name = printf('%.*c', 300, 'x')`,
  )
  await copyFile(`${file.path}-journal`, `${died.path}-journal`)
  await copyFile(file.path, died.path)
  file.writer.exec('ROLLBACK')
  const project = await open(died)
  const before = await look(died)
  expect(before).toHaveLength(2)
  const { exit, stderr } = await project.tidemark('run')
  expect(exit, stderr).toBe(3)
  expect(stderr).toMatch(/SOURCE_DATABASE_LOCKED[^]*a writer died in its transaction/)
  expect(await look(died)).toEqual(before)
  const next = new DatabaseSync(died.path)
  next.exec('SELECT count(*) FROM users')
  next.close()
  expect((await project.run()).step('bronze.users').ledger).toMatchObject({ inserted: '500' })
  expect(await project.query('SELECT DISTINCT length(name) > 100 AS torn FROM bronze.users')).toEqual([{ torn: false }])
})

test.runIf(hasReader && process.getuid?.() === 0)(
  'a user who may only read: a rollback journal is read, a log is said to need the folder',
  async () => {
    for (const journal of ['delete', 'wal'] as const) {
      const file = await createSqliteFile(SHOP, journal)
      file.writer.close()
      const folder = dirname(file.path)
      const project = await open(file)
      await chmod(project.root, 0o777)
      await chmod(folder, 0o555)
      await chmod(file.path, 0o444)
      onTestFinished(() => chmod(folder, 0o755))
      const before = await look(file)
      const args = ['--reuid', '65534', '--regid', '65534', '--clear-groups', process.execPath, TIDEMARK, 'run']
      const env = { NO_COLOR: '1', NODE_COMPILE_CACHE: `${project.root}/cache` }
      const { exit, stderr } = await runProgram('setpriv', args, { cwd: project.root, env })
      if (journal === 'delete') expect(exit, stderr).toBe(0)
      else {
        expect(exit, stderr).toBe(3)
        expect(stderr).toMatch(/SOURCE_UNREACHABLE[^]*nobody can read who may not write its folder/)
      }
      expect(await look(file)).toEqual(before)
    }
  },
)
