/** This product in one of its guarantee classes, run as a user runs it: a project in a folder, a process for each run. */
import { execFile } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { Account, type Seen } from './account.ts'
import type { Database } from './database.ts'

const TIDEMARK = fileURLToPath(new URL('../../packages/tidemark/bin/tidemark.js', import.meta.url))
const execute = promisify(execFile)

export interface Reader {
  name: string
  run(): Promise<void>
  /** Every version that bronze holds. */
  account(): Promise<Account>
}

/** The classes, as an entry of the table list asks for them. */
export const CLASSES = [
  { name: 'A', entry: {} },
  { name: 'B', entry: { cdc_col: 'changed_at', guarantee: 'server_clock' } },
  { name: 'C', entry: { cdc_col: 'changed_at', guarantee: 'bounded_lag', lag: '1m' } },
  { name: 'D', entry: { cdc_col: 'changed_at', guarantee: 'best_effort' } },
] as const

/** A project of its own for one class. */
export async function createReader(
  { name, entry }: (typeof CLASSES)[number],
  at: { folder: string; database: Database },
): Promise<Reader> {
  const root = join(at.folder, `class-${name}`)
  await mkdir(root, { recursive: true })
  const table = JSON.stringify({ schema: at.database.project.schema, table: 'changes', ...entry })
  const source = `{ type: ${at.database.project.type}, url: { secret: env:LOSS_URL }, tables: [${table}] }`
  await writeFile(
    join(root, 'tidemark.yml'),
    `name: loss\nlake: ./lake\nsources: { app: ${source} }\ntargets: { dev: { default: true } }\n`,
  )
  const tidemark = async (...args: string[]): Promise<string> => {
    const env = { ...process.env, LOSS_URL: at.database.url }
    const { stdout } = await execute(process.execPath, [TIDEMARK, ...args], { cwd: root, env, maxBuffer: 1024 ** 3 })
    return stdout
  }
  return {
    name: `Tidemark, class ${name}`,
    run: async () => void (await tidemark('run', '--select', 'bronze.changes')),
    account: async () => {
      const query = `SELECT id::varchar AS id, version::varchar AS version FROM bronze.changes WHERE _op = 'upsert'`
      const account = new Account()
      account.add(JSON.parse(await tidemark('query', query, '--json')) as Seen[])
      return account
    },
  }
}
