/**
 * What the user declared, after reading, checking and resolving: plain values without effects. `config/` makes them;
 * everything else only reads them.
 */
import type { Place, Problems } from '../errors/problem.ts'
import type { Flow, FlowSource } from './flow.ts'
import type { TableProperties } from './table-properties.ts'
import type { Transform } from './transform.ts'

/** A secret as written: a reference, never a value. `openSecret` in config/ turns it into the value at the edge. */
export type SecretRef = { kind: 'env'; name: string } | { kind: 'file'; path: string } | KeptRef

/** A secret that a vault keeps, and that is fetched before it is opened. */
export type KeptRef = AzureSecretRef | AwsSecretRef

/** A secret of Azure Key Vault: the vault by its address, `https://music.vault.azure.net`; the newest version when left out. */
export interface AzureSecretRef {
  kind: 'azure-kv'
  vault: string
  name: string
  version?: string
}

/** A secret of AWS Secrets Manager by its name or ARN, or one text of the JSON that it holds. */
export interface AwsSecretRef {
  kind: 'aws-sm'
  name: string
  key?: string
}

/** Text that is either written in the file or kept elsewhere. */
export type TextOrSecret = string | { secret: SecretRef }

export interface Project {
  name: string
  catalog: string
  /** Folder of tidemark.yml, absolute. */
  root: string
  /** Absolute local folder of the lake, or its address in Azure or S3. */
  lake: string
  /** How a lake in Azure or S3 is reached; undefined for a folder. */
  remote: RemoteLake | undefined
  target: { name: string; mode: 'development' | 'production' }
  sources: readonly SourceConfig[]
  tables: readonly TableEntry[]
  flows: readonly FlowSource[]
  alerts: AlertConfig
  variables: Readonly<Record<string, string>>
  /** What the engine may hold in memory, such as `2GB`; its own default when undefined. */
  engineMemory: string | undefined
  /** How many steps run side by side. */
  parallel: number
}

/** How a lake in Azure or S3 is reached: whatever is left out comes from the machine's identity and its environment. */
export interface RemoteLake {
  /** Account of an `az://` address. */
  account: string | undefined
  /** Address of the service, when it is not the cloud's own. */
  endpoint: string | undefined
  region: string | undefined
  /** Which managed identity of Azure, where the machine has several. */
  clientId: string | undefined
  login: RemoteLogin
  /** Absolute folder of this machine for what is on its way to the lake and copies of what was read of it. */
  local: string
  /** Bytes of such copies that are kept. */
  cacheBytes: number
  /** Bytes of the lake that a command may hold there at once to read them; undefined for no limit. */
  stagingBytes: number | undefined
}

/** As whom a lake is reached. Keys are never written in the project. */
export type RemoteLogin =
  | { kind: 'identity' }
  | { kind: 'account key' | 'signature' | 'connection string'; secret: SecretRef }
  | { kind: 'access key'; id: TextOrSecret; secret: SecretRef; sessionToken: SecretRef | undefined }

export interface SourceConfig {
  name: string
  type: 'postgres' | 'mysql' | 'sqlserver' | 'sqlite'
  connection:
    | { url: TextOrSecret }
    | { host: string; port: number; database: string; user: string; password?: TextOrSecret }
  /** `verify` is the default for every host but loopback; `insecure` must be written out. */
  tls?: 'verify' | 'insecure' | 'off'
  /** PEM file of the authority to trust, absolute. */
  ca?: string
  /** IANA zone in which timestamps without a zone are read. */
  timezone: string
  /** PostgreSQL: logical slot and publication that list changed keys; without one tables are scanned. */
  slot?: string
  /** Connections at once, 2 or more; undefined takes the default. */
  maxConnections?: number
  /** PostgreSQL and MySQL: parts of a big load wait while more sessions of others are at work; undefined for half of those allowed. */
  busyAbove?: bigint
  /** PostgreSQL: DuckDB's extension that reads tables whole, by the absolute path of its file or the one that is installed. */
  extension?: { file: string | undefined }
  /** Secret that values hashed by masks are hashed with. */
  salt?: SecretRef
  prefix: string
  /**
   * Why its table list cannot be had, when that is not the project's own fault: it is kept elsewhere and is away, or is no
   * list. Its tables are then a pattern that stands for whatever was loaded before.
   */
  unlisted?: Problems | undefined
  /** What its table list says, when that is kept at an address. */
  listed?: ListedTables | undefined
  place: Place
}

/** What becomes of columns and values that the lake's table has no place for; Auto Loader's words. */
export type DriftMode = (typeof DRIFT_MODES)[number]

export const DRIFT_MODES = [
  'addNewColumns',
  'addNewColumnsWithTypeWidening',
  'rescue',
  'failOnNewColumns',
  'none',
] as const

/** What is kept of a value: its salted hash, its last characters, nothing. */
export type Mask = 'hash' | 'partial' | 'null'

/** A table list as it was fetched. */
export interface ListedTables {
  /** SHA-256 of its text, in hex. */
  hash: string
  entries: readonly ListedEntry[]
}

export interface ListedEntry {
  /** `schema.table`, as listed. */
  table: string
  /** The whole entry, in a form in which equal entries are equal texts. */
  says: string
}

/** The guarantee an entry asks for: classes A, B, C and D. */
export type Guarantee = 'exact' | 'server_clock' | 'bounded_lag' | 'best_effort'

/** One table of the list. Patterns are still patterns here: `sources` expands them against the database. */
export interface TableEntry {
  source: string
  schema: string
  /** Exact name or pattern with `*`. */
  table: string
  exclude: readonly string[]
  /** Lake name; the source's prefix is already applied. Undefined for a pattern: each match is named after its table. */
  name: string | undefined
  cdcCol: string | undefined
  /** One-shot backfill start, inclusive, as text for the database; undefined when empty or missing. */
  fromDate: string | undefined
  primaryKey: readonly string[] | undefined
  /** The only columns to read, names or patterns; undefined for all. */
  columns: readonly string[] | undefined
  /** Columns that are not read, names or patterns. */
  excludeColumns: readonly string[]
  deletes: 'detect' | 'ignore'
  drift: DriftMode
  /** Only written by the user; `undefined` picks the best the probe allows. */
  guarantee: Guarantee | undefined
  /** The lag of `bounded_lag`, in milliseconds; undefined takes the default. */
  lagMs: number | undefined
  /** Milliseconds between two looks at all of a table whose other runs read by the index of its cursor alone. */
  fullPassMs: number | undefined
  /** What rows without a value in `cdc_col` mean where the table is read by it; undefined refuses them. */
  nullCursor: 'include' | 'exclude' | undefined
  /** A condition of the source's own SQL that the table's rows meet, as written. */
  filter: string | undefined
  /** Columns whose values are masked where they are read, by name as written. */
  masks: Readonly<Record<string, Mask>>
  /** Columns to carry as text because their values do not fit the lake's type. */
  asText: readonly string[]
  silver: SilverConfig
  place: Place
  /** Places of single keys, for errors found later by the probe. */
  places: Readonly<Record<string, Place>>
}

export interface SilverConfig {
  transform: readonly Transform[]
  expectations: readonly Expectation[]
  properties?: TableProperties | undefined
}

/** A data-quality rule. A row passes only if the expression is TRUE. */
export interface Expectation {
  name: string
  /** Portable SQL over the row's columns. */
  expression: string
  onViolation: 'warn' | 'drop' | 'fail'
  place?: Place | undefined
}

export interface AlertConfig {
  channels: readonly AlertChannelConfig[]
  rules: readonly AlertRule[]
}

export type AlertChannelConfig =
  | {
      kind: 'webhook'
      name: string
      url: TextOrSecret
      /** Key that signs each request; undefined sends it unsigned. */
      sign: { secret: SecretRef } | undefined
      allowPrivate: boolean
      place: Place
    }
  | { kind: 'email'; name: string; from: string; to: readonly string[]; smtp: TextOrSecret; place: Place }

export interface AlertRule {
  on: readonly ('failure' | 'recovery')[]
  send: readonly string[]
  /** How long a failure that goes on is not told again, in milliseconds; undefined tells it by every run. */
  repeatAfterMs: number | undefined
  place: Place
}

export type { Flow }
