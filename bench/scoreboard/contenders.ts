/** The contenders: this product in two of its classes, reading and writing as a user does, and the peers. */
import { execFile } from 'node:child_process'
import { mkdir, readdir, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import pg from 'pg'
import { DLT_PEER, INGESTR_PEER, install, type Mode, type Peer, plainUrl, prepare, SLING_PEER } from '../peers/peers.ts'
import type { Contender, Loaded } from './contender.ts'

const TIDEMARK = fileURLToPath(new URL('../../packages/tidemark/bin/tidemark.js', import.meta.url))

/** All that can run here, in the order of the table. */
export async function listContenders(): Promise<Contender[]> {
  const ours = [
    createProduct('Tidemark, class A', {}),
    createProduct('Tidemark, class B', { cdc_col: 'changed_at', guarantee: 'server_clock', null_cursor: 'include' }),
  ]
  const peers: [Peer, Mode][] = [
    [DLT_PEER, 'append'],
    [DLT_PEER, 'merge'],
    [SLING_PEER, 'append'],
    [SLING_PEER, 'merge'],
    [INGESTR_PEER, 'append'],
    [INGESTR_PEER, 'merge'],
  ]
  const theirs: Contender[] = []
  for (const [peer, mode] of peers) {
    const bin = await install(peer)
    if (bin !== undefined) theirs.push(createPeer(peer, bin, mode))
  }
  return [...ours, ...theirs]
}

/** A project with one table, whose rows are read from silver. */
function createProduct(name: string, entry: object): Contender {
  return {
    name,
    open: async ({ url, folder }) => {
      await mkdir(folder, { recursive: true })
      const table = JSON.stringify({ schema: 'public', table: 'changes', deletes: 'detect', ...entry })
      const source = `{ type: postgres, url: { secret: env:SCORE_URL }, tables: [${table}] }`
      const project = `name: score\nlake: ./lake\nsources: { app: ${source} }\ntargets: { dev: { default: true } }\n`
      await writeFile(join(folder, 'tidemark.yml'), project)
      const env = { ...process.env, SCORE_URL: url }
      const query = async (text: string): Promise<Record<string, string | null>[]> => {
        const args = [TIDEMARK, 'query', text, '--json']
        const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: folder, env, maxBuffer: 1024 ** 3 })
        return JSON.parse(stdout) as Record<string, string | null>[]
      }
      return {
        command: what => {
          const how = what === 'reload' ? ['--full-refresh', 'silver.changes'] : []
          return { program: process.execPath, args: [TIDEMARK, 'run', ...how], cwd: folder, env }
        },
        read: async () =>
          (await query('SELECT id::varchar AS id, qty::varchar AS qty FROM silver.changes')) as unknown as Loaded[],
        count: async () => Number((await query('SELECT count(*)::varchar AS n FROM silver.changes'))[0]?.['n']),
        rescued: async (id, column) => {
          const found = await query(`SELECT _rescued_data AS data FROM bronze.changes WHERE id = ${Number(id)}`)
          const kept = Object(JSON.parse(found[0]?.['data'] ?? '{}')) as Record<string, string>
          return kept[column] ?? null
        },
        stateFile: async () => undefined,
      }
    },
  }
}

function createPeer(peer: Peer, bin: string, mode: Mode): Contender {
  return {
    name: `${peer.name}, ${mode}`,
    open: async ({ url, target, folder }) => {
      const env = await prepare(folder)
      const job = { bin, url: plainUrl(url), table: 'public.changes', into: plainUrl(target), folder }
      const query = async <T extends pg.QueryResultRow>(text: string): Promise<T[]> => {
        const client = new pg.Client({ connectionString: target })
        await client.connect()
        try {
          const { rows } = await client.query<{ there: boolean }>(
            `SELECT to_regclass('loaded.changes') IS NOT NULL AS there`,
          )
          return rows[0]?.there === true ? (await client.query<T>(text)).rows : []
        } finally {
          await client.end()
        }
      }
      return {
        command: what => {
          const [program, ...args] = peer.command({ ...job, mode: what === 'reload' ? 'reload' : mode })
          return { program, args, cwd: process.cwd(), env }
        },
        read: () => query<Loaded & pg.QueryResultRow>('SELECT id::text, qty::text FROM loaded.changes'),
        count: async () => Number((await query<{ n: string }>('SELECT count(*) AS n FROM loaded.changes'))[0]?.n ?? 0),
        stateFile: async () => (peer === DLT_PEER ? newestState(join(folder, 'dlt')) : undefined),
      }
    },
  }
}

/** dlt keeps how far it got in `state.json` of the pipeline. */
async function newestState(folder: string): Promise<string | undefined> {
  const files = await readdir(folder, { recursive: true }).catch(() => [])
  const states = files.filter(file => file.endsWith('state.json')).map(file => join(folder, file))
  const times = await Promise.all(states.map(async path => ({ path, at: (await stat(path)).mtimeMs })))
  return times.toSorted((a, b) => b.at - a.at)[0]?.path
}
