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
import { serverAccount } from '../../examples/postgres-install.ts'
import type { TestDatabase } from './postgres.ts'

/** Debian keeps servers outside of an ordinary user's path. */
const PROGRAM = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin']
  .map(folder => join(folder, 'pgbouncer'))
  .find(file => existsSync(file))

export const hasPgbouncer: boolean = PROGRAM !== undefined
if (!hasPgbouncer) {
  console.warn('Tests of PgBouncer are left out: there is no pgbouncer (Debian: apt-get install pgbouncer).')
}

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
  const port = await findFreePort()
  const all = {
    listen_addr: '127.0.0.1',
    listen_port: String(port),
    unix_socket_dir: '',
    auth_type: 'any',
    pool_mode: mode,
    default_pool_size: '10',
    ...settings,
  }
  const lines = Object.entries(all).map(([key, value]) => `${key} = ${value}`)
  const target = `host=${host} port=${behind} dbname=${name} user=${user} password=${password}`
  const file = join(folder, 'pgbouncer.ini')
  await writeFile(file, `[databases]\n${name} = ${target}\n[pgbouncer]\n${lines.join('\n')}\n`)
  if (account.uid !== undefined) for (const path of [folder, file]) await chown(path, account.uid, account.gid)
  const identity = account.uid === undefined ? {} : { uid: account.uid, gid: account.gid }
  const child = spawn(PROGRAM, [file], { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'], ...identity })
  let told = ''
  child.stderr.on('data', (chunk: Buffer) => (told += String(chunk)))
  onTestFinished(async () => {
    await stop(child)
    await rm(folder, { recursive: true, force: true })
  })
  while (!(await answers(port))) {
    if (child.exitCode !== null) throw new Error(`pgbouncer did not start:\n${told}`)
    await delay(20)
  }
  return { host, port, database: name, user, password, url: `postgres://${user}:${password}@${host}:${port}/${name}` }
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
