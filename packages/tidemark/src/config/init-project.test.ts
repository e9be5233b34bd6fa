import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { initFiles, type InitTable, starterFiles, suggestCursor } from './init-files.ts'
import { initProject } from './init-project.ts'
import { loadProject } from './load-project.ts'
import { parsePostgresUrl } from './postgres-url.ts'

const folders: string[] = []
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
})
function folder(): string {
  folders.push(mkdtempSync(join(tmpdir(), 'tidemark-init-')))
  return folders.at(-1) as string
}

const stamp = (name: string) => ({ name, sourceType: 'timestamp without time zone', orderable: true })
const tables: InitTable[] = [
  { schema: 'public', table: 'Fact "Stream"', kind: 'table', columns: [stamp('created_at')], primaryKey: [] },
  {
    schema: 'public',
    table: 'DimUser',
    kind: 'table',
    columns: [stamp('created_at'), stamp('Updated_At')],
    primaryKey: ['a', 'b'],
  },
  { schema: 'public', table: 'v_user', kind: 'view', columns: [], primaryKey: [] },
]
const url = `postgres://app:p'w"$X%20é@db.example.org/music-1`
const load = (root: string) =>
  loadProject({ root, vars: {}, env: {}, loadFlows: async () => ({ flows: [], problems: [] }) })

test('the project of a database loads without a warning and lists its tables with keys and cursors', async () => {
  const root = folder()
  const written = await initProject({ root, database: { url, describe: async () => tables } })
  expect(written).toEqual(['tidemark.yml', 'loop_input.json', '.env.example', '.gitignore', '.env'])
  expect(readFileSync(join(root, 'loop_input.json'), 'utf8')).toBe(
    '[\n' +
      '  { "schema": "public", "table": "DimUser", "cdc_col": "Updated_At", "from_date": "", "primary_key": ["a", "b"] },\n' +
      '  { "schema": "public", "table": "Fact \\"Stream\\"", "cdc_col": "", "from_date": "" }\n' +
      ']\n',
  )
  const { project, warnings, env } = await load(root)
  expect(warnings).toEqual([])
  expect(project).toMatchObject({
    name: 'music-1',
    tables: [{ table: 'DimUser', cdcCol: 'Updated_At' }, { cdcCol: undefined }],
  })
  expect(parsePostgresUrl(env['APP_DATABASE_URL'] ?? '').password?.reveal()).toBe(`p'w"$X é`)
})

test('the password is in .env, which only its owner reads, and in no other file', async () => {
  for (const file of initFiles({ url, tables })) expect(/p('|%27)w/.test(file.text)).toBe(file.path === '.env')
  const root = folder()
  await initProject({ root, database: { url, describe: async () => tables } })
  expect(statSync(join(root, '.env')).mode & 0o777).toBe(0o600)
})

test('a file that exists stops init before the database is asked, and nothing is written', async () => {
  const root = folder()
  writeFileSync(join(root, '.env'), 'MINE=1\n')
  const describe = () => Promise.reject(new Error('asked'))
  await expect(initProject({ root, database: { url, describe } })).rejects.toMatchObject({
    code: 'INIT_EXISTS',
    params: { files: ['.env'] },
  })
  expect(() => statSync(join(root, 'tidemark.yml'))).toThrow()
})

test('a .gitignore that exists keeps its lines and gets the ones it lacks', async () => {
  const root = folder()
  writeFileSync(join(root, '.gitignore'), 'node_modules\nlake/')
  await initProject({ root })
  expect(readFileSync(join(root, '.gitignore'), 'utf8')).toBe('node_modules\nlake/\n.env\n.tidemark/\n')
})

test('the starter loads as it is', async () => {
  const root = folder()
  expect(await initProject({ root })).not.toContain('.env')
  expect((await load(root)).project.tables).toMatchObject([
    { schema: 'public', table: 'orders', primaryKey: ['order_id'] },
  ])
  expect(starterFiles('9 lives!')[0]?.text).toContain('name: "lake_9_lives"')
})

test('a creation time, a text and a column that cannot be ordered are no cursor', () => {
  const columns = [stamp('created_at'), { name: 'updated_at', sourceType: 'text', orderable: false }]
  expect(suggestCursor({ columns })).toBeUndefined()
  expect(suggestCursor({ columns: [stamp('modified'), stamp('LastUpdated')] })).toBe('LastUpdated')
})
