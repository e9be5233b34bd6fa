/**
 * A real PgBouncer before a test's PostgreSQL, closed when the test ends. Where the machine has none, `hasPgbouncer` is false
 * and such tests are left out with a message.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { chown, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { onTestFinished } from 'vitest'
import { findFreePort } from '../../examples/postgres.ts'
import { type Account, serverAccount } from '../../examples/postgres-install.ts'
import type { TestDatabase } from './postgres.ts'

/** Debian keeps servers outside of an ordinary user's path. */
const PROGRAM = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin']
  .map(folder => join(folder, 'pgbouncer'))
  .find(file => existsSync(file))

export const hasPgbouncer: boolean = PROGRAM !== undefined
if (!hasPgbouncer) {
  console.warn('Tests of PgBouncer are left out: there is no pgbouncer (Debian: apt-get install pgbouncer).')
}

/** Another process may take a free port between our look and the bind. */
const PORT_ATTEMPTS = 5

export type PoolMode = 'session' | 'transaction' | 'statement'

/** A pool of connections to the database, by the login that is given; with the settings of `[pgbouncer]` that are given besides. */
export async function startPgbouncer(
  database: Pick<TestDatabase, 'host' | 'port' | 'database' | 'user' | 'password'>,
  mode: PoolMode,
  settings: Readonly<Record<string, string>> = {},
): Promise<Pick<TestDatabase, 'host' | 'port' | 'database' | 'user' | 'password' | 'url'>> {
  if (PROGRAM === undefined) throw new Error('there is no pgbouncer')
  const { host, port: behind, database: name, user, password } = database
  const account = await serverAccount()
  const folder = await mkdtemp(join(tmpdir(), 'pgbouncer-'))
  const all = {
    listen_addr: '127.0.0.1',
    unix_socket_dir: '',
    auth_type: 'any',
    pool_mode: mode,
    default_pool_size: '10',
    ...settings,
  }
  const target = `host=${host} port=${behind} dbname=${name} user=${user} password=${password}`
  const file = join(folder, 'pgbouncer.ini')
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  for (let attempt = 1; ; attempt += 1) {
    const port = await findFreePort()
    const lines = Object.entries({ ...all, listen_port: String(port) }).map(([key, value]) => `${key} = ${value}`)
    await writeFile(file, `[databases]\n${name} = ${target}\n[pgbouncer]\n${lines.join('\n')}\n`)
    if (account.uid !== undefined) for (const path of [folder, file]) await chown(path, account.uid, account.gid)
    const failure = await launch(PROGRAM, { file, folder, account, port })
    const url = `postgres://${user}:${password}@${host}:${port}/${name}`
    if (failure === undefined) return { host, port, database: name, user, password, url }
    if (attempt === PORT_ATTEMPTS || !/address already in use/i.test(failure))
      throw new Error(`pgbouncer did not start:\n${failure}`)
  }
}

/** Undefined once it listens; its own words when it ended instead. */
async function launch(
  program: string,
  { file, folder, account, port }: { file: string; folder: string; account: Account; port: number },
): Promise<string | undefined> {
  const identity = account.uid === undefined ? {} : { uid: account.uid, gid: account.gid }
  const child = spawn(program, [file], { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'], ...identity })
  let told = ''
  child.stderr.on('data', (chunk: Buffer) => (told += String(chunk)))
  onTestFinished(() => stop(child))
  // Somebody else may answer at a port that it did not get.
  while (!told.includes(`listening on 127.0.0.1:${port}`) || !(await answers(port))) {
    if (child.exitCode !== null) return told
    await delay(20)
  }
  return undefined
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const closed = once(child, 'close')
  child.kill('SIGQUIT')
  await closed
}

function answers(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect(port, '127.0.0.1', () => resolve(true))
    socket.on('connect', () => socket.end()).on('error', () => resolve(false))
  })
}
