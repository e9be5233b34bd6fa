/**
 * Other tools at the same table, each as its own documentation sets up a load by cursor: dlt, Sling and ingestr. They are
 * installed from PyPI, where Python is, and write the table `loaded.changes` to a PostgreSQL database.
 */
import { execFile } from 'node:child_process'
import { chmodSync, globSync } from 'node:fs'
import { access, mkdir, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'

const execute = promisify(execFile)

/** Rows by key, rows as they come, or everything again. */
export type Mode = 'merge' | 'append' | 'reload'

/** What one run is told; the table is named with its schema, has the key `id` and the cursor `changed_at`. */
export interface Job {
  bin: string
  url: string
  table: string
  /** Of the database to write to. */
  into: string
  /** Where the tool may keep what it needs. */
  folder: string
  mode: Mode
}

export interface Peer {
  name: string
  packages: readonly string[]
  command: (job: Job) => [string, ...string[]]
}

const DLT = `import dlt, sys
from dlt.sources.sql_database import sql_table
source, name, target, folder, mode = sys.argv[1:6]
schema, table = name.split(".")
if source.startswith("mysql:"):
    source = source.replace("mysql:", "mysql+pymysql:")
by_cursor = {} if mode == "reload" else {"incremental": dlt.sources.incremental("changed_at")}
rows = sql_table(credentials=source, schema=schema, table=table, **by_cursor)
rows.apply_hints(primary_key="id", write_disposition="replace" if mode == "reload" else mode)
postgres = dlt.destinations.postgres(target)
dlt.pipeline("peer", destination=postgres, dataset_name="loaded", pipelines_dir=folder + "/dlt").run(rows)
`

/** The file of dlt's program in a folder of a job. */
const DLT_PROGRAM = 'dlt_run.py'

export const DLT_PEER: Peer = {
  name: 'dlt 1.31.0',
  packages: ['dlt[sql_database,postgres]==1.31.0', 'psycopg2-binary', 'pymysql==1.2.4', 'sqlalchemy==2.0.58'],
  command: ({ bin, url, table, into, folder, mode }) => [
    join(bin, 'python'),
    ...[join(folder, DLT_PROGRAM), url, table, into, folder, mode],
  ],
}

/**
 * dlt into files: Parquet, rows as they come, or Delta, rows by key. `python -c program url folder form`; the copy of the
 * table `public.stream` is `copies/loaded/stream` in the folder.
 */
export const DLT_TO_FILES: Pick<Peer, 'name' | 'packages'> & { program: string } = {
  name: 'dlt to files 1.31.0',
  packages: ['dlt[deltalake,filesystem,parquet]==1.31.0', 'psycopg2-binary', 'sqlalchemy==2.0.58'],
  program: `import dlt, sys
from dlt.sources.sql_database import sql_table
url, folder, form = sys.argv[1:4]
by_cursor = dlt.sources.incremental("played_at")
rows = sql_table(credentials=url, schema="public", table="stream", incremental=by_cursor, reflection_level="full_with_precision")
rows.apply_hints(primary_key="stream_id", **({"table_format": "delta"} if form == "delta" else {}))
files = dlt.destinations.filesystem(bucket_url="file://" + folder + "/copies")
write = {"disposition": "merge", "strategy": "upsert"} if form == "delta" else "append"
pipeline = dlt.pipeline("copy", destination=files, dataset_name="loaded", pipelines_dir=folder + "/dlt")
pipeline.run(rows, loader_file_format="parquet", write_disposition=write)
`,
}

export const SLING_PEER: Peer = {
  name: 'Sling 1.4.11',
  packages: ['sling-linux-amd64==1.4.11'],
  command: ({ bin, url, table, into, mode }) => [
    slingIn(bin),
    ...['run', '--src-conn', url, '--src-stream', table, '--tgt-conn', into, '--tgt-object', 'loaded.changes'],
    ...(mode === 'reload' ? ['--mode', 'full-refresh'] : ['--mode', 'incremental', '--update-key', 'changed_at']),
    ...(mode === 'merge' ? ['--primary-key', 'id'] : []),
  ],
}

export const INGESTR_PEER: Peer = {
  name: 'ingestr 0.14.155',
  packages: ['ingestr==0.14.155'],
  command: ({ bin, url, table, into, mode }) => [
    join(bin, 'ingestr'),
    ...['ingest', '--yes', '--source-uri', url, '--source-table', table],
    ...['--dest-uri', into, '--dest-table', 'loaded.changes'],
    ...['--incremental-strategy', mode === 'reload' ? 'replace' : mode],
    ...(mode === 'reload' ? [] : ['--incremental-key', 'changed_at']),
    ...(mode === 'merge' ? ['--primary-key', 'id'] : []),
  ],
}

/** Its package brings the program without the right to run it. */
export function slingIn(bin: string): string {
  const [program = ''] = globSync(join(bin, '../lib/python3*/site-packages/sling_linux_amd64/bin/sling-linux-amd64'))
  chmodSync(program, 0o755)
  return program
}

/** The folder of a peer's programs, installed on first use; undefined, with a line that says why, where it cannot be. */
export async function install({ name, packages }: Pick<Peer, 'name' | 'packages'>): Promise<string | undefined> {
  const folder = resolve('.cache/peers', name.replaceAll(/[^a-z0-9.]+/gi, '-'))
  const done = join(folder, 'installed')
  const isThere = await access(done).then(
    () => true,
    () => false,
  )
  try {
    if (!isThere) {
      await execute('python3', ['-m', 'venv', folder])
      const pip = ['install', '-q', '--disable-pip-version-check', ...packages]
      await execute(join(folder, 'bin/pip'), pip, { maxBuffer: 1024 ** 2 })
      await writeFile(done, '')
    }
    return join(folder, 'bin')
  } catch (error) {
    process.stdout.write(`${name} is left out: ${String(error).split('\n')[0]}\n`)
    return undefined
  }
}

/** The tools tell nobody that they ran. */
export const QUIET: Readonly<Record<string, string>> = {
  RUNTIME__DLTHUB_TELEMETRY: 'false',
  DISABLE_TELEMETRY: 'true',
  INGESTR_DISABLE_TELEMETRY: 'true',
  SLING_DISABLE_TELEMETRY: 'TRUE',
}

/** Make the folder of a job ready; gives the environment that each of its runs needs. */
export async function prepare(folder: string): Promise<NodeJS.ProcessEnv> {
  await mkdir(folder, { recursive: true })
  await writeFile(join(folder, DLT_PROGRAM), DLT)
  return { ...process.env, ...QUIET, HOME: folder }
}

/** The spelling of an address that every tool reads. */
export const plainUrl = (url: string): string =>
  url.startsWith('mysql:') ? url : `${url.replace(/^postgres:/, 'postgresql:')}?sslmode=disable`
