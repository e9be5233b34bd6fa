/**
 * What every session is pinned to: zone, text forms, name look-up and timeouts are ours, whatever the server, the role or
 * whoever had the connection before has set.
 */
import { ident, integer, join, raw, type Sql, sql, text } from '../../engine/sql.ts'

/** How long a lock is waited for before its table becomes a Problem. */
export const LOCK_TIMEOUT_MS = 10_000

/** Settings that a server does not know are passed over. */
const SETTINGS: Readonly<Record<string, string>> = {
  // Names that are values, and those in settings set after it, have quotes where they need them.
  quote_all_identifiers: 'off',
  application_name: 'tidemark',
  client_encoding: 'UTF8',
  default_transaction_read_only: 'on',
  // With it off, a policy that would hide rows is an error instead of a silent filter.
  row_security: 'off',
  // Names in our statements mean the catalog's; a function of the same name in a user's schema is never called.
  search_path: 'pg_catalog, pg_temp',
  // Our text literals give the backslash no meaning; with it off, one could end a literal early.
  standard_conforming_strings: 'on',
  TimeZone: 'UTC',
  DateStyle: 'ISO, YMD',
  IntervalStyle: 'iso_8601',
  bytea_output: 'hex',
  xmlbinary: 'base64',
  extra_float_digits: '1',
  // Above 0 an index finds some of the rows, at random.
  gin_fuzzy_search_limit: '0',
  // What a filter and a key that is an array mean.
  transform_null_equals: 'off',
  array_nulls: 'on',
  lock_timeout: `${LOCK_TIMEOUT_MS}ms`,
  statement_timeout: '0',
  transaction_timeout: '0',
  idle_in_transaction_session_timeout: '0',
  idle_session_timeout: '0',
  // A server that finds its client gone stops a long scan instead of finishing it for nobody.
  client_connection_check_interval: '5s',
}

/** What values, rows and their end depend on, as the server shows it. */
const PROVED: Readonly<Record<string, string>> = {
  ...Object.fromEntries(
    [
      ...['client_encoding', 'row_security', 'search_path', 'standard_conforming_strings', 'TimeZone', 'DateStyle'],
      ...['IntervalStyle', 'bytea_output', 'xmlbinary', 'extra_float_digits', 'statement_timeout'],
      ...['idle_in_transaction_session_timeout', 'quote_all_identifiers', 'gin_fuzzy_search_limit'],
      ...['transform_null_equals', 'array_nulls'],
    ].map(name => [name, SETTINGS[name] ?? '']),
  ),
  transaction_read_only: 'on',
}

const pairs = (settings: Readonly<Record<string, string>>): Sql =>
  join(Object.entries(settings).map(([name, value]) => sql`(${text(name)}, ${text(value)})`))

/** Everything is named with its schema: nothing is pinned yet. The server is who was started at that moment. */
const BACKEND: Sql = sql`pg_catalog.pg_backend_pid() AS pid, \
extract(epoch FROM pg_catalog.pg_postmaster_start_time())::pg_catalog.numeric::pg_catalog.text AS server`

/**
 * Who answers, a row for each setting that the server knows. The session is pinned if it is the process that was announced
 * when it began: behind a pooler, settings of a session would stay with the next client.
 */
export function pinSession(announced: number): Sql {
  return sql`SELECT s.name, pg_catalog.current_setting('server_version_num') AS version, ${BACKEND}, \
CASE WHEN pg_catalog.pg_backend_pid() OPERATOR(pg_catalog.=) ${integer(announced)} \
THEN pg_catalog.set_config(s.name, w.value, false) END AS pinned FROM (VALUES ${pairs(SETTINGS)}) AS w (name, value) \
JOIN pg_catalog.pg_settings s ON pg_catalog.lower(s.name) OPERATOR(pg_catalog.=) pg_catalog.lower(w.name)`
}

/** Pins a transaction that others have begun, until it ends. */
export const PIN_TRANSACTION: Sql = sql`SELECT pg_catalog.set_config(s.name, w.value, true) \
FROM (VALUES ${pairs(SETTINGS)}) AS w (name, value) \
JOIN pg_catalog.pg_settings s ON pg_catalog.lower(s.name) OPERATOR(pg_catalog.=) pg_catalog.lower(w.name)`

/**
 * The same as statements that take no snapshot, for the settings in `known`. What somebody else has set in the session, or whose
 * role was taken on, is first put back to what the login has; all of it ends with a transaction that is rolled back.
 */
export function pinBySet(known: ReadonlySet<string>): Sql {
  const wanted = Object.entries(SETTINGS).filter(([name]) => known.has(name.toLowerCase()))
  const sets = wanted.map(([name, value]) => sql`SET LOCAL ${ident(name)} = ${listOf(name, value)}`)
  return join([AS_BEGUN, ...sets], '; ')
}

const AS_BEGUN: Sql = sql`RESET ALL; SET LOCAL SESSION AUTHORIZATION DEFAULT; SET LOCAL role TO DEFAULT`

/** A list of names in quotes would be one name. */
function listOf(name: string, value: string): Sql {
  return name === 'search_path' ? raw(value) : text(value)
}

/** Only an administrator can change these. With one of them on, rows in damaged pages are left out or come as they are. */
const SALVAGE: Readonly<Record<string, string>> = { zero_damaged_pages: 'off', ignore_checksum_failure: 'off' }

/** Names of the settings that are not so, as one text; NULL for none. */
const differing = (settings: Readonly<Record<string, string>>): Sql => sql`(SELECT pg_catalog.string_agg(w.name, ', ') \
FROM (VALUES ${pairs(settings)}) AS w (name, value) \
WHERE pg_catalog.current_setting(w.name) OPERATOR(pg_catalog.<>) w.value)`

/** Who answers, the settings that are not as they were pinned, `bent`, and those by which damage is passed over, `salvage`. */
export const PROOF: Sql = sql`SELECT ${BACKEND}, ${differing(PROVED)} AS bent, ${differing(SALVAGE)} AS salvage`
