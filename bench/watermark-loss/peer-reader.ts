/** The peers as readers of the loss benchmark: an incremental merge each, into a database of its own. */
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import pg from 'pg'
import { DLT_PEER, INGESTR_PEER, install, type Job, type Peer, plainUrl, prepare, SLING_PEER } from '../peers/peers.ts'
import { Account, type Seen } from './account.ts'
import type { Database } from './database.ts'
import type { Reader } from './product.ts'

const execute = promisify(execFile)

/** Those that can be installed here; the others are named with the reason. */
export async function createPeerReaders(at: {
  folder: string
  database: Database
  createTarget: (name: string) => Promise<string>
}): Promise<Reader[]> {
  const readers: Reader[] = []
  for (const [n, peer] of [DLT_PEER, SLING_PEER, INGESTR_PEER].entries()) {
    const bin = await install(peer)
    if (bin === undefined) continue
    const into = plainUrl(await at.createTarget(`peer_${n}`))
    const [url, table] = [plainUrl(at.database.url), `${at.database.project.schema}.changes`]
    readers.push(createReader(peer, { bin, url, table, into, folder: join(at.folder, `peer-${n}`), mode: 'merge' }))
  }
  return readers
}

function createReader(peer: Peer, job: Job): Reader {
  return {
    name: `${peer.name}, merge`,
    run: async () => {
      const env = await prepare(job.folder)
      const [program, ...args] = peer.command(job)
      await execute(program, args, { env, maxBuffer: 64 * 1024 ** 2 })
    },
    account: async () => {
      const client = new pg.Client({ connectionString: job.into })
      await client.connect()
      const { rows } = await client.query<Seen>('SELECT id::text, version::text FROM loaded.changes')
      await client.end()
      const account = new Account()
      account.add(rows)
      return account
    },
  }
}
