/**
 * A private MariaDB or MySQL server for a test run, from the machine's own package: loopback only, one folder, never as
 * root. Where there is none the tests are left out, with one message.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { access, chown, mkdir, mkdtemp, open, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'
import mysql from 'mysql2/promise'
import { findFreePort } from '../../examples/postgres.ts'
import { type Account, canReach, folderFor, serverAccount } from '../../examples/postgres-install.ts'
import type { StartedServer } from './servers-global.ts'

export interface RunningMariadb {
  readonly host: string
  readonly port: number
  readonly user: string
  readonly password: string
  /** Version as the server says it: `10.11.6-MariaDB`. */
  readonly version: string
  /** Folder of the database, which outlives the server. */
  readonly data: string
  stop(): Promise<void>
}

const HOST = '127.0.0.1'
const USER = 'tidemark_owner'
const PASSWORD = 'tidemark-tests'
const START_TIMEOUT_MS = 60_000
/** Another process may take a free port between our look and the server's bind. */
const PORT_ATTEMPTS = 5

/** The server program to test with, of the folder that is named or of this machine; undefined when it has none. */
export async function findServer(env: NodeJS.ProcessEnv = process.env): Promise<string | undefined> {
  const chosen = env['TIDEMARK_TEST_MYSQL']
  if (chosen !== undefined) {
    const program = join(chosen, 'mysqld')
    return (await canRun(program)) ? program : undefined
  }
  const folders = [...(env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin', '/usr/libexec']
  for (const name of ['mariadbd', 'mysqld']) {
    for (const folder of folders) {
      const path = join(folder, name)
      const found = await access(path).then(
        () => true,
        () => false,
      )
      if (found) return path
    }
  }
  return undefined
}

/** Whether the account of the server gets as far as the program. */
async function canRun(program: string): Promise<boolean> {
  const account = await serverAccount()
  return account.uid === undefined || (await canReach(program, account))
}

/** A server for tests, in a folder of its own that goes when it stops. */
export async function startTestMariadb(program: string): Promise<StartedServer> {
  const directory = await mkdtemp(join(tmpdir(), 'tidemark-test-mariadb-'))
  const server = await startMariadb(program, directory)
  const { host, port, user, password } = server
  return {
    server: { host, port, user, password },
    stop: async () => {
      await server.stop()
      await rm(directory, { recursive: true, force: true })
    },
  }
}

/**
 * Start a server on a database in the folder, which is made when there is none, on a machine whose clock shows this zone.
 *
 * @param at the port of an earlier server; any when left out
 */
export async function startMariadb(
  program: string,
  wanted: string,
  zone = 'UTC',
  more: readonly string[] = [],
  at?: number,
): Promise<RunningMariadb> {
  const account = await serverAccount()
  const directory = await folderFor(wanted, account)
  const data = join(directory, 'data')
  for (const folder of [directory, data]) {
    await mkdir(folder, { recursive: true })
    if (account.uid !== undefined) await chown(folder, account.uid, account.gid)
  }
  const isMade = await access(join(data, 'mysql')).then(
    () => true,
    () => false,
  )
  if (!isMade) await initialise(program, data, account)
  for (let attempt = 1; ; attempt += 1) {
    const port = at ?? (await findFreePort())
    const child = await launch({ program, directory, data, port, account, zone, more })
    const ready = await waitUntilReady(child, { directory, data, port })
    if ('version' in ready) return describe(child, { port, data, version: ready.version })
    if (at !== undefined || attempt === PORT_ATTEMPTS || !/address already in use/i.test(ready.log))
      throw new Error(`MariaDB did not start:\n${ready.log}`)
  }
}

function describe(child: ChildProcess, server: Pick<RunningMariadb, 'port' | 'data' | 'version'>): RunningMariadb {
  return {
    host: HOST,
    user: USER,
    password: PASSWORD,
    ...server,
    stop: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return
      const closed = once(child, 'close')
      // Its data is thrown away next.
      child.kill('SIGKILL')
      await closed
    },
  }
}

async function initialise(program: string, data: string, account: Account): Promise<void> {
  const { stdout } = await promisify(execFile)(program, ['--no-defaults', '--version'])
  const run = async (command: string, args: string[]): Promise<void> => {
    // Two servers that are made at once would meet in a temporary folder that they share.
    const env = { ...process.env, TMPDIR: dirname(data) }
    await promisify(execFile)(command, args, { ...identity(account), cwd: data, env, maxBuffer: 16 * 1024 * 1024 })
  }
  if (/mariadb/i.test(stdout)) {
    const args = ['--no-defaults', `--datadir=${data}`, '--auth-root-authentication-method=normal', '--skip-test-db']
    await run('mariadb-install-db', args)
  } else
    await run(program, ['--no-defaults', '--initialize-insecure', '--auto-generate-certs=OFF', `--datadir=${data}`])
}

interface Launch {
  program: string
  directory: string
  data: string
  port: number
  account: Account
  zone: string
  more: readonly string[]
}

async function launch({ program, directory, data, port, account, zone, more }: Launch): Promise<ChildProcess> {
  const log = await open(join(directory, 'server.log'), 'w', 0o600)
  const settings = {
    datadir: data,
    port: String(port),
    'bind-address': HOST,
    socket: join(data, 's'),
    'pid-file': pidFile(data),
    // A run waits for a server that writes its log later.
    'innodb-flush-log-at-trx-commit': '1',
    // Statistics are kept by a transaction of no connection, which a bound by the oldest open one has to respect.
    'innodb-stats-persistent': '0',
    'innodb-buffer-pool-size': '64M',
    'loose-innodb-log-file-size': '32M',
    'secure-file-priv': data,
    // MySQL, and MariaDB since 11.4, make certificates for themselves; here a server has those that a test gives it.
    'loose-auto-generate-certs': 'OFF',
    'loose-ssl': 'OFF',
    'max-allowed-packet': '64M',
    'max-connections': '100',
  }
  const flags = Object.entries(settings).map(([name, value]) => `--${name}=${value}`)
  try {
    const child = spawn(program, ['--no-defaults', ...flags, '--local-infile=0', ...more], {
      ...identity(account),
      cwd: directory,
      env: { ...process.env, TMPDIR: directory, TZ: zone },
      stdio: ['ignore', log.fd, log.fd],
    })
    const kill = (): void => void child.kill('SIGKILL')
    process.once('exit', kill)
    child.once('close', () => process.removeListener('exit', kill))
    child.once('error', () => undefined)
    return child
  } finally {
    await log.close()
  }
}

/** The server's version, once it answers and has the tests' own account; its own words when it ended instead. */
async function waitUntilReady(
  child: ChildProcess,
  { directory, data, port }: { directory: string; data: string; port: number },
): Promise<{ version: string } | { log: string }> {
  const deadline = performance.now() + START_TIMEOUT_MS
  while (performance.now() < deadline && child.exitCode === null && child.pid !== undefined) {
    try {
      const root = await mysql.createConnection({ host: HOST, port, user: 'root' })
      const [[found]] = await root.query<mysql.RowDataPacket[]>('SELECT VERSION() AS version, @@pid_file AS pid')
      // The server of another worker may answer at a port that ours did not get.
      if (found?.['pid'] !== pidFile(data)) {
        root.destroy()
        throw new Error('another server answers')
      }
      await root.query(`CREATE USER IF NOT EXISTS ${USER} IDENTIFIED BY '${PASSWORD}'`)
      await root.query(`GRANT ALL ON *.* TO ${USER} WITH GRANT OPTION`)
      await root.end()
      return { version: String(found['version']) }
    } catch {
      await delay(50)
    }
  }
  child.kill('SIGKILL')
  return { log: await readFile(join(directory, 'server.log'), 'utf8') }
}

const pidFile = (data: string): string => join(data, 'pid')

function identity(account: Account): { uid?: number; gid?: number } {
  return account.uid === undefined ? {} : { uid: account.uid, gid: account.gid }
}
