/**
 * Problems with a source database: reaching it, finding and locking its tables, and values the lake cannot hold. No
 * message here ever carries a password or a connection string.
 */
import { type ProblemKind, problem } from './problem.ts'

export interface ServerParams {
  source: string
  /** `host:port/database`. */
  server: string
  reason: string
}

const server = { source: 'app', server: 'db.example.org:5432/music' }

interface UnreachableParams extends ServerParams {
  /** There is no server: the database is a file. */
  isFile?: boolean
}

export const SOURCE_UNREACHABLE: ProblemKind<UnreachableParams> = problem({
  code: 'SOURCE_UNREACHABLE',
  title: 'The source database cannot be reached.',
  message: (p: UnreachableParams) =>
    p.isFile === true
      ? `Source ${p.source}: ${p.server}: ${p.reason}.`
      : `Source ${p.source}: no connection to ${p.server}: ${p.reason}.`,
  hint: (p: UnreachableParams) =>
    p.isFile === true
      ? 'Check the path, and who may read the file and its folder.'
      : `Check that ${p.server} is the right address, that the server runs, and the firewall between.`,
  retry: 'later',
  exit: 3,
  example: { ...server, reason: 'connection refused' },
})

export const SOURCE_BUSY: ProblemKind<ServerParams> = problem({
  code: 'SOURCE_BUSY',
  title: 'The source database takes no more connections now.',
  message: (p: ServerParams) => `Source ${p.source}: ${p.server} answers, and refuses the connection: ${p.reason}.`,
  hint: () => 'Try again later, or raise max_connections; a run needs up to four connections.',
  retry: 'later',
  exit: 3,
  example: { ...server, reason: 'sorry, too many clients already' },
})

export const SOURCE_LOGIN_REFUSED: ProblemKind<ServerParams & { user: string }> = problem({
  code: 'SOURCE_LOGIN_REFUSED',
  title: 'The source database refuses the user or the password.',
  message: (p: ServerParams & { user: string }) =>
    `Source ${p.source}: ${p.server} refuses user ${p.user}: ${p.reason}.`,
  hint: () => 'Check user and password where the secret is kept (`url: { secret: env:NAME }` reads the variable NAME).',
  retry: 'after-change',
  exit: 3,
  example: { ...server, user: 'reader', reason: 'password authentication failed' },
})

export const SOURCE_DATABASE_MISSING: ProblemKind<ServerParams> = problem({
  code: 'SOURCE_DATABASE_MISSING',
  title: 'The server has no such database.',
  message: (p: ServerParams) => `Source ${p.source}: ${p.server}: ${p.reason}.`,
  hint: () => 'Correct the database name in the connection; upper and lower case matter.',
  retry: 'after-change',
  exit: 3,
  example: { ...server, reason: 'database "music" does not exist' },
})

export const SOURCE_POOLER_UNFIT: ProblemKind<ServerParams> = problem({
  code: 'SOURCE_POOLER_UNFIT',
  title: 'The pooler before the source does not keep a transaction whole.',
  message: (p: ServerParams) => `Source ${p.source}: a pooler answers at ${p.server}, and ${p.reason}.`,
  hint: () =>
    'Give the address of the server itself, or of a pool of connections to one server that keeps them for a transaction or a session (in PgBouncer `pool_mode`).',
  retry: 'after-change',
  exit: 3,
  example: { ...server, reason: 'it pools statements, while rows are read in one transaction' },
})

interface SalvageParams extends Omit<ServerParams, 'reason'> {
  /** Names of settings. */
  settings: string
}

export const SOURCE_PASSES_OVER_DAMAGE: ProblemKind<SalvageParams> = problem({
  code: 'SOURCE_PASSES_OVER_DAMAGE',
  title: 'The source passes over damaged pages, and the rows in them.',
  message: (p: SalvageParams) =>
    `Source ${p.source}: the server at ${p.server} is set to go on where a page is damaged (${p.settings}). Rows in such a page would be missing or wrong, and nobody told.`,
  hint: p =>
    `Let an administrator turn off ${p.settings}, for the server, the database and the login. What can be saved of a damaged table is saved by hand.`,
  retry: 'after-change',
  exit: 3,
  example: { ...server, settings: 'zero_damaged_pages' },
})

interface TooOldParams extends Omit<ServerParams, 'reason'> {
  /** `PostgreSQL 11`. */
  release: string
  oldest: string
}

export const SOURCE_TOO_OLD: ProblemKind<TooOldParams> = problem({
  code: 'SOURCE_TOO_OLD',
  title: 'The source database is older than those that can be read.',
  message: (p: TooOldParams) =>
    `Source ${p.source}: ${p.server} is ${p.release}; ${p.oldest} is the oldest that is read.`,
  hint: () => 'Upgrade the server, or read a copy of the database on a newer one.',
  retry: 'after-change',
  exit: 3,
  example: { ...server, release: 'PostgreSQL 11', oldest: '12' },
})

export const SOURCE_TLS_REFUSED: ProblemKind<ServerParams> = problem({
  code: 'SOURCE_TLS_REFUSED',
  title: 'No trusted encrypted connection to the source.',
  message: (p: ServerParams) => `Source ${p.source}: the encrypted connection to ${p.server} failed: ${p.reason}.`,
  hint: () =>
    "Name the authority's file with `ca:`. `tls: insecure` encrypts without checking who answers; `tls: off` does not encrypt.",
  retry: 'after-change',
  exit: 3,
  example: { ...server, reason: 'self-signed certificate' },
})

export const SOURCE_STANDBY: ProblemKind<ServerParams> = problem({
  code: 'SOURCE_STANDBY',
  title: 'A standby cannot be read by a slot.',
  message: (p: ServerParams) =>
    `Source ${p.source}: ${p.server} is a standby (${p.reason}), and the source names a slot.`,
  hint: () =>
    'Remove `slot`: increments then scan the tables, which costs the primary nothing. Or use the address of the primary.',
  retry: 'after-change',
  exit: 3,
  example: { ...server, reason: 'it is in recovery' },
})

export const SOURCE_TIMEZONE: ProblemKind<{ source: string; timezone: string }> = problem({
  code: 'SOURCE_TIMEZONE',
  title: 'The time zone of the source is not a zone name.',
  message: (p: { source: string; timezone: string }) =>
    `Source ${p.source}: ${JSON.stringify(p.timezone)} is not the name of a time zone.`,
  hint: () => 'Write a name such as UTC or Europe/Oslo. PostgreSQL reads offsets like +02:00 with the sign reversed.',
  retry: 'after-change',
  exit: 2,
  example: { source: 'app', timezone: '+02:00' },
})

export const SOURCE_INTERRUPTED: ProblemKind<ServerParams> = problem({
  code: 'SOURCE_INTERRUPTED',
  title: 'The source ended the connection.',
  message: (p: ServerParams) => `Source ${p.source}: ${p.server} ended the connection: ${p.reason}.`,
  hint: () => 'Nothing of an unfinished table is committed; run again when the server is up.',
  retry: 'later',
  exit: 3,
  example: { ...server, reason: 'terminating connection due to administrator command' },
})

/** What to do where the server's own code says it. */
const QUERY_HINTS: Readonly<Record<string, string>> = {
  42501:
    'Grant what is named. If it is row-level security behind a view: read as a user whom no policy filters (in PostgreSQL one with BYPASSRLS), or make the view with the rights of its owner.',
  22021:
    'A text in the rows is none in the encoding of the database. Correct it, or list a view that converts the column.',
}

export const SOURCE_QUERY_FAILED: ProblemKind<ServerParams & { sqlstate: string }> = problem({
  code: 'SOURCE_QUERY_FAILED',
  title: 'The source could not answer a query.',
  message: (p: ServerParams & { sqlstate: string }) =>
    `Source ${p.source}: ${p.server} answered with ${p.sqlstate.length === 5 ? 'SQLSTATE' : 'error'} ${p.sqlstate}: ${p.reason}.`,
  hint: (p: { sqlstate: string }) =>
    QUERY_HINTS[p.sqlstate] ??
    "The server's log has the statement. If it repeats and the table is an ordinary one, please report it.",
  retry: 'later',
  exit: 1,
  example: { ...server, sqlstate: 'XX000', reason: 'could not open relation with OID 16384' },
})

export const SOURCE_HORIZON_TOO_OLD: ProblemKind<{ table: string; age: bigint }> = problem({
  code: 'SOURCE_HORIZON_TOO_OLD',
  title: 'The mark is too old to tell new rows from old ones.',
  message: (p: { table: string; age: bigint }) =>
    `${p.table}: ${p.age} transactions have passed since the mark; PostgreSQL can tell the order of at most 2^31.`,
  hint: () => 'A full comparison with the source (a re-baseline) brings the table up to date.',
  retry: 'after-change',
  exit: 1,
  example: { table: 'public.orders', age: 2_147_483_648n },
})

export const SOURCE_DRIVER_MISSING: ProblemKind<{ source: string; packages: string }> = problem({
  code: 'SOURCE_DRIVER_MISSING',
  title: 'The driver of the source is not installed.',
  message: (p: { source: string; packages: string }) => `Source ${p.source} is read through ${p.packages}.`,
  hint: (p: { packages: string }) =>
    p.packages === 'node:sqlite'
      ? 'It is part of Node 22.13, Node 24 and newer: run tidemark with one of those.'
      : `npm install ${p.packages}`,
  retry: 'after-change',
  exit: 3,
  example: { source: 'app', packages: 'mysql2' },
})

export const SOURCE_DATABASE_LOCKED: ProblemKind<ServerParams> = problem({
  code: 'SOURCE_DATABASE_LOCKED',
  title: 'The database file is locked by a writer.',
  message: (p: ServerParams) => `Source ${p.source}: ${p.server} stayed locked: ${p.reason}.`,
  hint: () =>
    'Run again when the writer has ended. In WAL mode (PRAGMA journal_mode = WAL) readers and writers do not wait for each other.',
  retry: 'later',
  exit: 3,
  example: { source: 'app', server: '/data/app.db', reason: 'database is locked' },
})

export const SOURCE_FILE_UNREADABLE: ProblemKind<ServerParams> = problem({
  code: 'SOURCE_FILE_UNREADABLE',
  title: 'The file cannot be read as a SQLite database.',
  message: (p: ServerParams) => `Source ${p.source}: ${p.server}: ${p.reason}.`,
  hint: () =>
    'Check that the path names a SQLite database; `PRAGMA integrity_check` in the sqlite3 shell shows what is damaged.',
  retry: 'after-change',
  exit: 3,
  example: { source: 'app', server: '/data/app.db', reason: 'file is not a database' },
})
