/** What a user gets from npm works in an empty folder: the packages are built, packed, installed and used there. */
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createDatabase, type TestDatabase } from '../support/postgres.ts'
import { type Ended, machineNode, runNpm, runProgram } from './programs.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

interface Packed {
  filename: string
  files: { path: string }[]
}

/** What must be there beside all else: the command, the thread it starts, the licenses of what it took in, and the library. */
const COMMAND = ['bin/tidemark.js', ...['main.js', 'thread.js', 'LICENSES.txt'].map(name => `dist/command/${name}`)]

let folder: string
let database: TestDatabase
let packed: Packed[]

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tidemark-pack-'))
  await build()
  packed = await pack()
  await writeFile(join(folder, 'package.json'), '{ "private": true, "type": "module" }')
  const tarballs = packed.map(one => join(folder, one.filename))
  await runNpm(['install', '--prefer-offline', '--no-audit', '--no-fund', '--ignore-scripts', ...tarballs], folder)
  database = await createDatabase(import.meta.url)
}, 300_000)

afterAll(async () => {
  await database?.drop()
  await rm(folder, { recursive: true, force: true })
})

async function build(): Promise<void> {
  const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc')
  for (const step of [[tsc, '-b'], [join(root, 'scripts', 'bundle.js')]]) {
    const built = await runProgram(process.execPath, step, { cwd: root })
    if (built.exit !== 0) throw new Error(`the packages cannot be built\n${built.stdout}${built.stderr}`)
  }
}

async function pack(): Promise<Packed[]> {
  const workspaces = ['packages/delta', 'packages/tidemark'].flatMap(path => ['--workspace', path])
  const listed = JSON.parse(
    await runNpm(['pack', '--json', '--pack-destination', folder, ...workspaces], root),
  ) as unknown
  // npm 11 and earlier print a list, later ones an object by package name.
  return Object.values(listed as Record<string, Packed>)
}

/** Run the installed command with the machine's own Node, as `npx tidemark` would. */
function tidemark(args: string[], cwd: string, env: NodeJS.ProcessEnv = {}): Promise<Ended> {
  return runProgram(machineNode, [join(folder, 'node_modules', 'tidemark', 'bin', 'tidemark.js'), ...args], {
    cwd,
    env,
  })
}

describe('the packages', () => {
  it('hold what runs, and neither sources nor tests', () => {
    const paths = packed.flatMap(one => one.files.map(file => file.path))
    expect(paths).toEqual(expect.arrayContaining([...COMMAND, 'dist/index.d.ts']))
    expect(paths.filter(path => /(^|\/)src\/|\.test\.|\.tsbuildinfo$/.test(path))).toEqual([])
  })

  it('are a library too: both can be imported by name', async () => {
    const lines =
      "const all = await Promise.all([import('tidemark'), import('@tidemark/delta')]); console.log(all.length)"
    await writeFile(join(folder, 'library.js'), lines)
    const ended = await runProgram(process.execPath, ['library.js'], { cwd: folder })
    expect(ended, ended.stderr).toMatchObject({ exit: 0, stdout: '2\n' })
  })
})

describe('the installed command', () => {
  it('shows its help and its version', async () => {
    const help = await tidemark(['--help'], folder)
    expect(help, help.stderr).toMatchObject({ exit: 0 })
    expect(help.stdout).toContain('Usage: tidemark')
    const { version } = JSON.parse(await readFile(join(root, 'packages/tidemark/package.json'), 'utf8')) as {
      version: string
    }
    expect((await tidemark(['--version'], folder)).stdout.trim()).toBe(version)
  })

  it('takes a database it has never seen into a lake with init, validate and run', async () => {
    await database.query(`CREATE TABLE orders (order_id integer PRIMARY KEY, customer text, updated_at timestamptz);
      INSERT INTO orders VALUES (1, 'Ada', now()), (2, NULL, now()), (3, 'O''Brien', now())`)
    const project = join(folder, 'project')
    await mkdir(project)
    const init = await tidemark(['init', database.url], project)
    expect(init, init.stderr).toMatchObject({ exit: 0 })
    const env = await fillEnvironment(project)
    for (const command of ['validate', 'run']) {
      const ended = await tidemark([command], project, env)
      expect(ended, `${command}\n${ended.stderr}`).toMatchObject({ exit: 0 })
    }
    const query = 'SELECT order_id, customer FROM bronze.orders ORDER BY order_id'
    const rows = await tidemark(['query', query, '--csv'], project, env)
    expect(rows.stdout.trim().split(/\r?\n/)).toEqual(['order_id,customer', '1,Ada', '2,', "3,O'Brien"])
  })

  it('reads a SQLite file, and a flow in TypeScript that imports the library', async () => {
    const project = join(folder, 'music')
    await mkdir(join(project, 'gold'), { recursive: true })
    const source = new DatabaseSync(join(project, 'app.db'))
    source.exec(
      "CREATE TABLE artist (id INTEGER PRIMARY KEY, name TEXT); INSERT INTO artist VALUES (1, 'Bob'), (2, 'Ada')",
    )
    source.close()
    await writeFile(
      join(project, 'tidemark.yml'),
      'name: music\nsources:\n  app: { type: sqlite, url: "sqlite:app.db", tables: list.json }\nflows: [gold/**]\n',
    )
    await writeFile(join(project, 'list.json'), '[{ "schema": "main", "table": "artist" }]')
    await writeFile(join(project, 'gold', 'names.ts'), NAMES)
    const run = await tidemark(['run'], project)
    expect(run, run.stderr).toMatchObject({ exit: 0 })
    const rows = await tidemark(['query', 'SELECT name FROM gold.names ORDER BY name', '--csv'], project)
    expect(rows.stdout.trim().split(/\r?\n/)).toEqual(['name', 'Ada', 'Bob'])
  })
})

const NAMES = `import { materializedView } from 'tidemark'
export const names = materializedView({ name: 'gold.names', query: 'SELECT name FROM silver.artist' })
`

/** What a person does with `.env.example`: give each variable it names the value it asks for. */
async function fillEnvironment(project: string): Promise<NodeJS.ProcessEnv> {
  const example = await readFile(join(project, '.env.example'), 'utf8')
  const names = [...example.matchAll(/^([A-Z][A-Z0-9_]*)=/gm)].map(match => match[1] ?? '')
  expect(names).toHaveLength(1)
  return Object.fromEntries(names.map(name => [name, database.url]))
}
