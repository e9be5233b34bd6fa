/** A standby of a server of the test's own: a copy of its folder that follows the log. */
import { chown, cp, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { type RunningPostgres, startPostgres } from './postgres.ts'

export interface Pair {
  primary: RunningPostgres
  standby: RunningPostgres
  /** Wait until the standby has applied everything that the primary has written. */
  caughtUp: () => Promise<void>
  /** The standby applies nothing more, or goes on. */
  hold: () => Promise<void>
  goOn: () => Promise<void>
}

const CONFIG = {
  fsync: 'off',
  autovacuum: 'off',
  wal_level: 'replica',
  hot_standby: 'on',
  max_prepared_transactions: '5',
}

/** Start both; they end with the test. */
export async function startPair(): Promise<Pair> {
  const root = await mkdtemp(join(tmpdir(), 'tidemark-standby-'))
  onTestFinished(() => rm(root, { recursive: true, force: true }))
  const first = await startPostgres({ directory: join(root, 'primary'), config: CONFIG })
  await first.stop()
  const copy = `${first.directory}-standby`
  onTestFinished(() => rm(copy, { recursive: true, force: true }))
  await cp(first.directory, copy, { recursive: true, preserveTimestamps: true })
  await writeFile(join(copy, 'data/standby.signal'), '')
  await ownLike(first.directory, copy)
  const primary = await startPostgres({ directory: first.directory, config: CONFIG })
  onTestFinished(() => primary.stop('immediate'))
  const { host, port, user, password } = primary
  const primary_conninfo = `host=${host} port=${port} user=${user} password=${password}`
  const standby = await startPostgres({ directory: copy, config: { ...CONFIG, primary_conninfo } })
  onTestFinished(() => standby.stop('immediate'))
  const caughtUp = async (): Promise<void> => {
    const [row] = await primary.query('SELECT pg_current_wal_flush_lsn()::text AS lsn')
    const applied = `SELECT pg_last_wal_replay_lsn() >= '${String(row?.['lsn'])}'::pg_lsn AS done`
    while ((await standby.query(applied))[0]?.['done'] !== true) await new Promise(resolve => setTimeout(resolve, 20))
  }
  return {
    primary,
    standby,
    caughtUp,
    hold: async () => void (await standby.query('SELECT pg_wal_replay_pause()')),
    goOn: async () => void (await standby.query('SELECT pg_wal_replay_resume()')),
  }
}

/** A copy that root makes is root's; the server runs as somebody else. */
async function ownLike(original: string, copy: string): Promise<void> {
  const { uid, gid } = await stat(original)
  for (const path of ['', ...(await readdir(copy, { recursive: true }))]) await chown(join(copy, path), uid, gid)
}
