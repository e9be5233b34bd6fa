/**
 * Other tools at the same table, each as its own documentation sets up an incremental merge by cursor: dlt, Sling and
 * ingestr. They are installed from PyPI, where Python is, and write to databases of their own on the same server.
 */
import { execFile } from 'node:child_process'
import { chmodSync, globSync } from 'node:fs'
import { access, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import pg from 'pg'
import { Account, type Seen } from './account.ts'
import type { Database } from './database.ts'
import type { Reader } from './product.ts'

const execute = promisify(execFile)

interface Peer {
  name: string
  packages: readonly string[]
  /** The command of one run; `url` of the source, `into` of the target. */
  command: (at: { bin: string; url: string; table: string; into: string; folder: string }) => [string, ...string[]]
}

const DLT = `import dlt, sys
from dlt.sources.sql_database import sql_table
source, target, folder = sys.argv[1:4]
if source.startswith("mysql:"):
    source = source.replace("mysql:", "mysql+pymysql:")
changes = sql_table(credentials=source, table="changes", incremental=dlt.sources.incremental("changed_at"))
changes.apply_hints(primary_key="id", write_disposition="merge")
dlt.pipeline("loss", destination=dlt.destinations.postgres(target), dataset_name="loaded", pipelines_dir=folder).run(changes)
`

const PEERS: readonly Peer[] = [
  {
    name: 'dlt 1.31.0, merge',
    packages: ['dlt[sql_database,postgres]==1.31.0', 'psycopg2-binary', 'pymysql==1.2.4', 'sqlalchemy==2.0.58'],
    command: ({ bin, url, into, folder }) => [join(bin, 'python'), join(folder, 'dlt_run.py'), url, into, folder],
  },
  {
    name: 'Sling 1.4.11, merge',
    packages: ['sling-linux-amd64==1.4.11'],
    command: ({ bin, url, table, into }) => [
      slingIn(bin),
      ...['run', '--src-conn', url, '--src-stream', table, '--tgt-conn', into, '--tgt-object', 'loaded.changes'],
      ...['--mode', 'incremental', '--primary-key', 'id', '--update-key', 'changed_at'],
    ],
  },
  {
    name: 'ingestr 0.14.155, merge',
    packages: ['ingestr==0.14.155'],
    command: ({ bin, url, table, into }) => [
      join(bin, 'ingestr'),
      ...['ingest', '--yes', '--source-uri', url, '--source-table', table, '--dest-uri', into],
      ...[
        '--dest-table',
        'loaded.changes',
        '--incremental-strategy',
        'merge',
        '--primary-key',
        'id',
        '--incremental-key',
        'changed_at',
      ],
    ],
  },
]

/** Its package brings the program without the right to run it. */
function slingIn(bin: string): string {
  const [program = ''] = globSync(join(bin, '../lib/python3*/site-packages/sling_linux_amd64/bin/sling-linux-amd64'))
  chmodSync(program, 0o755)
  return program
}

/** Those that can be installed here, each with its database; the others are named with the reason. */
export async function installPeers(at: {
  folder: string
  database: Database
  createTarget: (name: string) => Promise<string>
}): Promise<Reader[]> {
  const readers: Reader[] = []
  for (const [n, peer] of PEERS.entries()) {
    try {
      const bin = await install(peer)
      const into = plainUrl(await at.createTarget(`peer_${n}`))
      const [url, table] = [plainUrl(at.database.url), `${at.database.project.schema}.changes`]
      readers.push(createPeer(peer, { bin, into, url, table, folder: join(at.folder, `peer-${n}`) }))
    } catch (error) {
      process.stdout.write(`${peer.name} is left out: ${String(error).split('\n')[0]}\n`)
    }
  }
  return readers
}

/** The spelling that every tool reads. */
const plainUrl = (url: string): string =>
  url.startsWith('mysql:') ? url : `${url.replace(/^postgres:/, 'postgresql:')}?sslmode=disable`

async function install({ name, packages }: Peer): Promise<string> {
  const folder = join('.cache/peers', name.replaceAll(/[^a-z0-9.]+/gi, '-'))
  const done = join(folder, 'installed')
  if (
    !(await access(done).then(
      () => true,
      () => false,
    ))
  ) {
    await execute('python3', ['-m', 'venv', folder])
    await execute(join(folder, 'bin/pip'), ['install', '-q', '--disable-pip-version-check', ...packages], {
      maxBuffer: 1024 ** 2,
    })
    await writeFile(done, '')
  }
  return join(folder, 'bin')
}

function createPeer(peer: Peer, at: Parameters<Peer['command']>[0]): Reader {
  return {
    name: peer.name,
    run: async () => {
      await mkdir(at.folder, { recursive: true })
      await writeFile(join(at.folder, 'dlt_run.py'), DLT)
      const [program, ...args] = peer.command(at)
      const quiet = { RUNTIME__DLTHUB_TELEMETRY: 'false', DISABLE_TELEMETRY: 'true', SLING_DISABLE_TELEMETRY: 'TRUE' }
      await execute(program, args, { env: { ...process.env, ...quiet, HOME: at.folder }, maxBuffer: 64 * 1024 ** 2 })
    },
    account: async () => {
      const client = new pg.Client({ connectionString: at.into })
      await client.connect()
      const { rows } = await client.query<Seen>('SELECT id::text, version::text FROM loaded.changes')
      await client.end()
      const account = new Account()
      account.add(rows)
      return account
    },
  }
}
