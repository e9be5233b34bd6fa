/** A Delta table anywhere in Azure or S3, by its address: read like one of a folder, by whoever the project's lake is opened. */
import { mkdir, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type CliProject, createProject, expectProblem } from '../support/cli.ts'
import { AZURITE_ACCOUNT, startAzurite } from '../support/cloud/azurite.ts'
import { azuriteLake, motoLake } from '../support/cloud/emulated-lake.ts'
import { findMissingMoto, MOTO_LOGIN, startMoto } from '../support/cloud/moto.ts'
import { openEmulated } from '../support/cloud/open-emulated.ts'
import { createUsersLake, LOCAL_PROJECT } from '../support/users-lake.ts'

const FOLDER = 'out side/ø%20'
const KINDS = [
  { kind: 'azure', scheme: 'az', lakeOf: azuriteLake, missing: undefined },
  { kind: 's3', scheme: 's3', lakeOf: motoLake, missing: findMissingMoto() },
] as const

describe.each(KINDS)('in $kind', ({ kind, scheme, lakeOf, missing }) => {
  describe.skipIf(missing !== undefined)(`a table${missing === undefined ? '' : ` (left out: ${missing})`}`, () => {
    let endpoint: string
    let isUploaded = false
    let end: () => Promise<void>
    const at = `${scheme}://tables/lake/${FOLDER}`
    const named = (path: string): string => `delta.\`${path}\``

    beforeAll(async () => {
      const server = kind === 'azure' ? await startAzurite() : await startMoto()
      ;({ endpoint } = server)
      end = async () => await server[Symbol.asyncDispose]()
      await ('makeContainer' in server ? server.makeContainer('tables') : server.makeBucket('tables'))
    })
    afterAll(() => end())

    /** A project whose lake is in the same store, beside a table of four versions whose log begins with a checkpoint. */
    async function createBeside(): Promise<CliProject> {
      const lake = lakeOf(endpoint, `${scheme}://tables/music`)
      const project = await createUsersLake(
        { 'tidemark.yml': JSON.stringify({ name: 'shop', ...lake.keys, sources: {} }) },
        3,
        2,
      )
      Object.assign(project.env, lake.env)
      if (!isUploaded) await upload(project)
      return project
    }

    async function upload(project: CliProject): Promise<void> {
      const store = await openEmulated({ kind, endpoint, container: 'tables' })
      const table = join(project.lake, 'silver/users')
      const early = /_delta_log[/\\]0{19}[01]\.json$/
      for (const file of await readdir(table, { recursive: true, withFileTypes: true })) {
        const path = join(file.parentPath, file.name)
        if (file.isFile() && !early.test(path))
          await store.putFile(`${FOLDER}${path.slice(table.length).replaceAll('\\', '/')}`, path)
      }
      store.close()
      isUploaded = true
    }

    test('is read at any version, as changes, beside a table of this machine, and told of', async () => {
      const project = await createBeside()
      const count = async (from: string): Promise<unknown> =>
        (await project.query(`SELECT count(*) AS n FROM ${from}`))[0]?.['n']
      expect(await count(named(at))).toBe('3')
      expect(await count(`${named(at)} VERSION AS OF 2`)).toBe('2')
      expect(await count(`${named(at)} a JOIN ${named(at)} VERSION AS OF 2 b USING (id)`)).toBe('2')
      expect(await count(`${named(at)} JOIN ${named('lake/silver/users')} USING (id, name)`)).toBe('3')
      const changes = await project.query(`SELECT id, _change_type AS type FROM table_changes('${named(at)}', 3)`)
      expect(changes).toEqual([{ id: '3', type: 'insert' }])
      const json = async (...args: string[]): Promise<unknown> => {
        const ended = await project.tidemark('tables', ...args, named(at), '--json')
        expect(ended.exit, ended.stderr).toBe(0)
        return JSON.parse(ended.stdout)
      }
      expect(await json('show')).toMatchObject({ table: named(at), version: '3', files: 3, rows: '3' })
      expect(await json('schema')).toMatchObject([{ column: 'id', type: 'long' }, { column: 'name' }])
      expect(await json('history')).toMatchObject([{ version: '3' }, { version: '2' }])
      expect(await readdir(join(project.root, '.tidemark'), { recursive: true })).not.toContainEqual(
        expect.stringContaining('.parquet'),
      )
    })

    test('is not changed, and one that is not there is told by its address', async () => {
      const project = await createBeside()
      for (const args of [['optimize'], ['vacuum', '--dry-run'], ['vacuum', '--yes']]) {
        const [command = '', ...options] = args
        const refused = await project.tidemark(command, named(at), ...options)
        expectProblem(refused, { exit: 2, code: 'TABLE_NOT_OURS', says: at })
      }
      const none = await project.tidemark('query', `SELECT * FROM ${named(`${at}x`)}`)
      expectProblem(none, { exit: 2, code: 'TABLE_UNKNOWN', says: `no Delta table at ${at}x` })
      const other = await project.tidemark('tables', 'show', named(`${scheme}://nobodys/a/t`))
      expectProblem(other, { exit: 3, code: 'STORAGE_CONTAINER_MISSING', says: `${scheme}://nobodys/a` })
    })

    test('is what a source is audited against', async () => {
      const project = await createBeside()
      const source = new DatabaseSync(join(project.root, 'app.db'))
      source.exec(`CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT);
        INSERT INTO users VALUES (1, 'n1'), (2, 'n2'), (3, 'other'), (4, 'n4')`)
      source.close()
      const args = ['audit', 'users', '--source', 'sqlite:app.db', '--json', '--against']
      const audited = await project.tidemark(...args, at)
      expect(audited.exit, audited.stderr).toBe(1)
      expect(JSON.parse(audited.stdout)).toMatchObject({ copyRows: '3', missing: { rows: '1' }, stale: { rows: '1' } })
      const empty = await project.tidemark(...args, `${scheme}://tables/lake/nothing`)
      expectProblem(empty, { exit: 2, code: 'AUDIT_TARGET', says: 'holds no Parquet file' })
    })

    test.runIf(kind === 'azure')('is opened like the lake by the other name of its account', async () => {
      const project = await createBeside()
      const other = `abfss://tables@${AZURITE_ACCOUNT}.dfs.core.windows.net/lake/${FOLDER}`
      expect(await project.query(`SELECT id FROM ${named(other)} ORDER BY id LIMIT 1`)).toEqual([{ id: '1' }])
    })

    test.runIf(kind === 's3')('is opened by the login of the environment beside a lake that is a folder', async () => {
      const project = await createProject(
        { 'tidemark.yml': LOCAL_PROJECT },
        {
          APP_DATABASE_URL: 'postgres://nobody@127.0.0.1:1/none',
          AWS_ENDPOINT_URL: endpoint,
          AWS_REGION: 'us-east-1',
          AWS_ACCESS_KEY_ID: MOTO_LOGIN.accessKeyId,
          AWS_SECRET_ACCESS_KEY: MOTO_LOGIN.secretAccessKey,
        },
      )
      await createBeside()
      await mkdir(project.lake)
      expect(await project.query(`SELECT count(*) AS n FROM ${named(at)}`)).toEqual([{ n: '3' }])
    })
  })
})
