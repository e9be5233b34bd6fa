/** The demo's database server and the file that tells the project where it is. */
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import pg from 'pg'
import { folderFor, serverAccount } from '../postgres-install.ts'
import { refuseSecondServer, type RunningPostgres, startPostgres } from '../postgres.ts'
import { PROJECT } from './cli.ts'

export const DATABASE = 'music'

const DIRECTORY = join(PROJECT, '.database')

/** Start the server in the project's .database; what is in it stays as it is. */
export async function startServer(): Promise<RunningPostgres> {
  return startPostgres({ directory: DIRECTORY })
}

/** Remove what an earlier demo left, database and lake, unless its server still runs; then start with an empty database. */
export async function startAfresh(): Promise<RunningPostgres> {
  const directory = await folderFor(DIRECTORY, await serverAccount())
  await refuseSecondServer(directory)
  await rm(directory, { recursive: true, force: true })
  for (const folder of ['lake', '.tidemark']) await rm(join(PROJECT, folder), { recursive: true, force: true })
  const server = await startServer()
  await server.query(`CREATE DATABASE ${DATABASE}`)
  return server
}

/** Write .env, readable by its owner alone: addresses with passwords belong in no other file. */
export async function writeEnvironment(
  server: RunningPostgres,
  smtpUrl: string,
  others: Readonly<Record<string, string>> = {},
): Promise<void> {
  const file = join(PROJECT, '.env')
  await rm(file, { force: true })
  const values = { APP_DATABASE_URL: server.url(DATABASE), SMTP_URL: smtpUrl, ...others }
  const lines = Object.entries(values).map(([name, value]) => `${name}=${value}\n`)
  await writeFile(file, lines.join(''), { mode: 0o600 })
}

export async function connect(server: RunningPostgres): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: server.url(DATABASE) })
  await client.connect()
  return client
}
