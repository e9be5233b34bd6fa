/**
 * One PostgreSQL server for a whole test run. Tests reach it through `test/support/postgres.ts`.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestProject } from 'vitest/node'
import { startPostgres } from '../../examples/postgres.ts'

/** Durability of the server itself is not under test; speed of its commits is what the tests wait for. */
const CONFIG = {
  fsync: 'off',
  // Its transactions would be somebody else's to a source that a test needs quiet.
  autovacuum: 'off',
  max_prepared_transactions: '20',
  max_locks_per_transaction: '1024',
  wal_level: 'logical',
  shared_buffers: '256MB',
}

declare module 'vitest' {
  export interface ProvidedContext {
    postgres: { host: string; port: number; user: string; password: string }
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const directory = await mkdtemp(join(tmpdir(), 'tidemark-test-postgres-'))
  const server = await startPostgres({ directory, config: CONFIG })
  const { host, port, user, password } = server
  project.provide('postgres', { host, port, user, password })
  return async () => {
    await server.stop('immediate')
    await rm(directory, { recursive: true, force: true })
  }
}
