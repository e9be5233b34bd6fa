/** What a source of tidemark.yml may hold. Its table list is checked by table-list-schema.ts, entry by entry. */
import { z } from 'zod'
import type { DriftMode } from '../model/project.ts'
import { filled, flag, reference, secret, type SecretInput } from './schema-words.ts'
import { driftSchema, entrySchema, type EntryInput } from './table-list-schema.ts'

export interface ListAddressInput {
  url: string
  headers?: Record<string, SecretInput> | undefined
  allow_private?: boolean | undefined
}

export interface SourceInput {
  type: 'postgres' | 'mysql' | 'mariadb' | 'sqlserver' | 'mssql' | 'sqlite'
  url?: SecretInput | undefined
  host?: string | undefined
  port?: number | undefined
  database?: string | undefined
  user?: string | undefined
  password?: SecretInput | undefined
  tls?: 'verify' | 'insecure' | 'off' | undefined
  ca?: string | undefined
  timezone?: string | undefined
  slot?: string | undefined
  max_connections?: number | undefined
  busy_above?: number | undefined
  duckdb_extension?: string | undefined
  salt?: { secret: string } | undefined
  drift?: DriftMode | undefined
  prefix?: string | undefined
  tables: string | EntryInput[] | ListAddressInput
}

const CONNECTIONS = 'a whole number from 2 on'
const SESSIONS = 'a number of sessions, 0 or more'
const SLOT_NAME = 'the name of a slot: up to 63 small letters, digits and _'

export const sourceSchema: z.ZodType<SourceInput> = z.strictObject({
  type: z
    .enum(['postgres', 'mysql', 'mariadb', 'sqlserver', 'mssql', 'sqlite'])
    .meta({ description: 'Kind of database.' }),
  url: secret.optional().meta({
    description: 'Connection URL, best as a secret; or host, database, user, password. Of a SQLite file `sqlite:path`.',
  }),
  host: filled('a host name').optional().meta({ description: 'Host name or address of the server.' }),
  port: z
    .int({ error: 'a port number' })
    .min(1, { error: 'a port number' })
    .max(65535, { error: 'a port number' })
    .optional()
    .meta({ description: 'Port of the server; 5432 for postgres, 3306 for mysql, 1433 for sqlserver.' }),
  database: filled('a database name').optional().meta({ description: 'Database to connect to.' }),
  user: filled('a user name').optional().meta({ description: 'User to connect as; it needs to read only.' }),
  password: secret.optional().meta({ description: 'Password, as a secret.' }),
  tls: z
    .enum(['verify', 'insecure', 'off'])
    .optional()
    .meta({ description: 'How the server proves itself; verify unless the host is this machine.' }),
  ca: filled('the path of a PEM file').optional().meta({ description: 'PEM file of the authority to trust.' }),
  timezone: filled('a time zone such as Europe/Oslo')
    .optional()
    .meta({ description: 'Zone in which timestamps without a zone are read.', default: 'UTC' }),
  slot: z
    .string({ error: SLOT_NAME })
    .regex(/^[a-z0-9_]{1,63}$/, { error: SLOT_NAME })
    .optional()
    .meta({ description: 'PostgreSQL: logical slot, and publication of the same name, that list changed keys.' }),
  max_connections: z.int({ error: CONNECTIONS }).min(2, { error: CONNECTIONS }).optional().meta({
    description:
      'PostgreSQL: connections at once, 2 or more: one keeps the snapshot, the others read. The other databases are read over one.',
    default: 3,
  }),
  busy_above: z.int({ error: SESSIONS }).min(0, { error: SESSIONS }).optional().meta({
    description:
      'PostgreSQL and MySQL: parts of a big load wait while more sessions of others than this are at work; half of the sessions that the server allows when left out.',
  }),
  duckdb_extension: filled('`installed`, or the path of the extension').optional().meta({
    description:
      "PostgreSQL: `installed`, or the path of a file: DuckDB's extension for PostgreSQL, by which tables are read whole where it can. By COPY when left out.",
  }),
  salt: reference
    .optional()
    .meta({ description: 'Secret that `masks: { column: hash }` hashes values with; as a reference only.' }),
  drift: driftSchema
    .optional()
    .meta({ description: '`drift` of each entry that has none of its own.', default: 'addNewColumns' }),
  prefix: z.string({ error: 'a text' }).optional().meta({ description: 'Put before the lake names of its tables.' }),
  tables: z
    .union(
      [
        filled('the path or address of a table list'),
        z.array(entrySchema),
        z.strictObject({
          url: filled('the address of the list').meta({ description: 'https address of the list.' }),
          headers: z
            .record(z.string(), secret)
            .optional()
            .meta({ description: 'HTTP headers, values may be secrets.' }),
          allow_private: flag.optional().meta({ description: 'Permit an address in your own network.' }),
        }),
      ],
      { error: 'a path, an address, { url: … } or a list of entries' },
    )
    .meta({ description: 'The table list: path, address, or the list itself.' }),
})
