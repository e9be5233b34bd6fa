/** A project with one healthy table, `users`, beside whatever a test puts in: the table that must go on. */
import { type CliProject, createProject } from './cli.ts'
import type { TestDatabase } from './postgres.ts'

export interface Shop {
  /** Entries beside `users`, in the order of the list; the first stands on line 3. */
  entries?: readonly object[]
  /** The whole list instead, as its text. */
  list?: string
  flows?: Readonly<Record<string, string>>
  /** Lines added to tidemark.yml. */
  yaml?: string
  files?: Readonly<Record<string, string>>
  /** Commands run in the test's process, as `createProject` says. */
  inProcess?: boolean
}

/** Fill a schema of the database with `users` and make a project that reads it. */
export async function createShop(database: TestDatabase, schema: string, shop: Shop = {}): Promise<CliProject> {
  await database.query(`DROP SCHEMA IF EXISTS ${schema} CASCADE; CREATE SCHEMA ${schema};
    CREATE TABLE ${schema}.users (user_id int PRIMARY KEY, name text, updated_at timestamptz NOT NULL DEFAULT now());
    INSERT INTO ${schema}.users SELECT i, 'user ' || i, '2026-01-01' FROM generate_series(1, 20) i`)
  const entries = [{ schema, table: 'users', cdc_col: 'updated_at', from_date: '' }, ...(shop.entries ?? [])]
  const list = shop.list ?? `[\n${entries.map(entry => `  ${JSON.stringify(entry)}`).join(',\n')}\n]\n`
  const config = `name: shop
sources:
  app:
    type: postgres
    url: { secret: env:SHOP_URL }
    tables: loop_input.json
${shop.yaml ?? ''}`
  const files = { 'tidemark.yml': config, 'loop_input.json': list, ...shop.flows, ...shop.files }
  return createProject(files, { SHOP_URL: database.url }, shop.inProcess === true ? 'in this process' : 'as processes')
}
