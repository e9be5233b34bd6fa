/**
 * A process loads what its work takes: the command that was asked for, the kinds of databases that its sources have, and
 * nothing of lakes elsewhere for one in a folder. A run that finds nothing new is mostly start.
 */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { DatabaseSync } from 'node:sqlite'
import { expect, test } from 'vitest'
import { createProject } from '../support/cli.ts'

/** Preloaded: writes down the modules that a process has loaded when it ends. */
const WATCH = `import module from 'node:module'
import { writeFileSync } from 'node:fs'
const loaded = []
module.registerHooks({ load: (url, context, next) => (loaded.push(url), next(url, context)) })
process.on('exit', () => writeFileSync('loaded.json', JSON.stringify(loaded)))`

const PROJECT = `name: start
sources:
  app: { type: sqlite, url: "sqlite:app.db", tables: [{ schema: main, table: sale }] }
`

test('a run over SQLite loads one command, one kind of database and no store elsewhere', async () => {
  const env: Record<string, string> = {}
  const project = await createProject({ 'tidemark.yml': PROJECT, 'watch.mjs': WATCH }, env)
  const database = new DatabaseSync(join(project.root, 'app.db'))
  database.exec('CREATE TABLE sale (id INTEGER PRIMARY KEY, amount INTEGER); INSERT INTO sale VALUES (1, 7)')
  database.close()
  env['NODE_OPTIONS'] = `--import ${pathToFileURL(join(project.root, 'watch.mjs')).href}`
  expect(await project.run()).toMatchObject({ exit: 0, status: 'succeeded' })
  const urls = JSON.parse(await readFile(join(project.root, 'loaded.json'), 'utf8')) as string[]
  const loaded = urls.flatMap(url => /\/packages\/tidemark\/src\/(.+)$/.exec(url)?.[1] ?? [])
  expect(loaded.filter(file => file.startsWith('cli/commands/'))).toEqual(['cli/commands/run.ts'])
  const kinds = ['postgres/postgres.ts', 'mysql/mysql.ts', 'sqlserver/sqlserver.ts', 'sqlite/sqlite.ts']
  expect(kinds.filter(file => loaded.includes(`sources/${file}`))).toEqual(['sqlite/sqlite.ts'])
  expect(loaded.filter(file => /^storage\/(azure|s3|cache)\//.test(file))).toEqual([])
})
