/** The demo's database server and the file that tells the project where it is. */
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import pg from 'pg'
import { type RunningPostgres, startPostgres } from '../postgres.ts'
import { PROJECT } from './cli.ts'

export const DATABASE = 'music'

/** Start the server in examples/music/.database; what is in it stays as it is. */
export async function startServer(): Promise<RunningPostgres> {
  return startPostgres({ directory: join(PROJECT, '.database') })
}

/** Begin anew: an empty database, and no lake. */
export async function startAfresh(server: RunningPostgres): Promise<void> {
  await server.query(`DROP DATABASE IF EXISTS ${DATABASE} WITH (FORCE)`)
  await server.query(`CREATE DATABASE ${DATABASE}`)
  await rm(join(PROJECT, 'lake'), { recursive: true, force: true })
}

/** Write .env, readable by its owner alone: addresses with passwords belong in no other file. */
export async function writeEnvironment(server: RunningPostgres, smtpUrl: string): Promise<void> {
  const file = join(PROJECT, '.env')
  await rm(file, { force: true })
  await writeFile(file, `APP_DATABASE_URL=${server.url(DATABASE)}\nSMTP_URL=${smtpUrl}\n`, { mode: 0o600 })
}

export async function connect(server: RunningPostgres): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: server.url(DATABASE) })
  await client.connect()
  return client
}
