/** Worlds that read by DuckDB's extension for PostgreSQL, and their rows beside those that COPY gives. */
import { tmpdir } from 'node:os'
import { LocalStore } from '@tidemark/delta'
import { expect } from 'vitest'
import { openDuckdb } from '../../../packages/tidemark/src/engine/duckdb.ts'
import type { Engine } from '../../../packages/tidemark/src/engine/engine.ts'
import { systemIds } from '../../../packages/tidemark/src/run/system.ts'
import {
  createPostgresSource,
  type PostgresSourceOptions,
} from '../../../packages/tidemark/src/sources/postgres/postgres.ts'
import type { ServerConnection } from '../../../packages/tidemark/src/sources/server-address.ts'
import type { TestDatabase } from '../postgres.ts'
import { realClock } from '../source.ts'
import { watched } from '../watched-snapshot.ts'
import { createWorld, type EntryOverrides, type World, type WorldOptions } from '../world.ts'
import { EXTENSION } from './installed.ts'

export interface DirectOptions {
  file?: string
  connection?: Partial<ServerConnection>
  timezone?: string
  maxConnections?: number
  /** Bytes from which a table is read by two connections. */
  splitBytes?: bigint
  options?: WorldOptions
}

export type AsByCopy = WorldOptions & Pick<DirectOptions, 'timezone' | 'splitBytes'>

export async function openEngine(): Promise<Engine> {
  return openDuckdb({ store: new LocalStore(tmpdir()), ids: systemIds, scratch: undefined, folders: [] })
}

/** Where a database is, and the login. */
export function serverOf({
  host,
  port,
  database,
  user,
  password,
}: TestDatabase): ServerConnection & { password: string } {
  return { host, port, database, user, password }
}

/** What a source of the database is made of. */
export function sourceParts(db: TestDatabase, timezone = 'UTC'): PostgresSourceOptions {
  return { name: 'app', connection: serverOf(db), timezone, clock: realClock }
}

/** A world that reads by the extension, and what it warns of. */
export async function directWorldOf(
  db: TestDatabase,
  { file, connection, timezone, maxConnections, splitBytes, options }: DirectOptions = {},
): Promise<[World, string[]]> {
  const warned: string[] = []
  const source = createPostgresSource({
    ...sourceParts(db, timezone),
    connection: { ...serverOf(db), ...connection },
    maxConnections,
    extension: { file: file ?? EXTENSION, splitBytes },
  })
  return [await createWorld(db, { ...options, source, warn: one => warned.push(one) }), warned]
}

/** The table by the extension alone, and by COPY: their rows without what is of the run, and their types. */
export async function expectAsByCopyOf(
  db: TestDatabase,
  entry: EntryOverrides,
  { timezone = 'UTC', splitBytes, ...options }: AsByCopy = {},
): Promise<void> {
  const [direct] = await directWorldOf(db, { timezone, options, ...(splitBytes === undefined ? {} : { splitBytes }) })
  const source = createPostgresSource(sourceParts(db, timezone))
  const copied = await createWorld(db, { ...options, source })
  const first = watched(await direct.snapshot(entry), 1)
  await direct.ingest(entry, { snapshot: first.snapshot })
  await copied.ingest(entry)
  const rowsOf = async (world: World): Promise<string[]> =>
    (await world.bronze(entry.table))
      .map(({ _seq, _run_id, _ingested_at, ...row }) =>
        JSON.stringify(row, (_key, value: unknown) => (typeof value === 'bigint' ? `${value}n` : value)),
      )
      .toSorted()
  const rows = await rowsOf(direct)
  expect(rows.length).toBeGreaterThan(0)
  expect(rows).toEqual(await rowsOf(copied))
}
