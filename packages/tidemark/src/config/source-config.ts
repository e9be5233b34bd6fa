/** One source of tidemark.yml: its connection, and where its table list is. */
import { resolve } from 'node:path'
import { CONFIG_CONFLICT, CONFIG_MISSING_KEY, CONFIG_VALUE } from '../errors/config.ts'
import { Problem } from '../errors/problem.ts'
import type { SecretRef, SourceConfig, TextOrSecret } from '../model/project.ts'
import { isKnownZone } from '../model/timezone.ts'
import { type ConfigNode, findNode, keyPlaceOf, placeOf } from './node.ts'
import type { ListLocation } from './read-list.ts'
import type { SecretInput } from './schema-words.ts'
import { parseSecretRef } from './secret.ts'
import type { SourceInput } from './source-schema.ts'
import { PARSERS } from './url-type.ts'

/** Turn a value or reference of the file into the model's; an unreadable reference is a problem at its text. */
export function readSecretInput(input: SecretInput, node: ConfigNode | undefined): TextOrSecret | Problem {
  if (typeof input === 'string') return input
  const ref = parseSecretRef(input.secret)
  if (!(ref instanceof Problem)) return { secret: ref }
  return Object.assign(ref, { place: findNode(node, ['secret'])?.place ?? node?.place })
}

export interface BuiltSource {
  source: SourceConfig | undefined
  problems: readonly Problem[]
}

/** The source as a value, or every problem with it. `node` is the source's tree, which the input was checked from. */
export function buildSource(name: string, input: SourceInput, node: ConfigNode, root: string): BuiltSource {
  const problems: Problem[] = []
  const connection = buildConnection(name, input, node, problems)
  const timezone = input.timezone ?? 'UTC'
  if (!isKnownZone(timezone) || /^[+-]/.test(timezone)) {
    const expected = 'an IANA time zone such as UTC or Europe/Oslo'
    problems.push(CONFIG_VALUE({ key: `sources.${name}.timezone`, expected }, { place: placeOf(node, ['timezone']) }))
  }
  if (input.slot !== undefined && typeOf(input) !== 'postgres') {
    const hint = 'Take `slot` away: only PostgreSQL has logical slots.'
    const reason = `Source ${name} has a \`slot\` and is no postgres`
    problems.push(CONFIG_CONFLICT({ reason, hint }, { place: keyPlaceOf(node, ['slot']) }))
  }
  if (input.busy_above !== undefined && !['postgres', 'mysql'].includes(typeOf(input))) {
    const hint = 'Take `busy_above` away: only loads from PostgreSQL and MySQL are read in parts that can wait.'
    const reason = `Source ${name} has \`busy_above\` and is no postgres or mysql`
    problems.push(CONFIG_CONFLICT({ reason, hint }, { place: keyPlaceOf(node, ['busy_above']) }))
  }
  if (input.duckdb_extension !== undefined && typeOf(input) !== 'postgres') {
    const hint = 'Take `duckdb_extension` away: only PostgreSQL is read by one.'
    const reason = `Source ${name} has a \`duckdb_extension\` and is no postgres`
    problems.push(CONFIG_CONFLICT({ reason, hint }, { place: keyPlaceOf(node, ['duckdb_extension']) }))
  }
  if (/[\u0000-\u001f\u007f]/.test(input.prefix ?? '')) {
    problems.push(
      CONFIG_VALUE(
        { key: `sources.${name}.prefix`, expected: 'a text without control characters' },
        { place: placeOf(node, ['prefix']) },
      ),
    )
  }
  const salt = readSalt(input, node, problems)
  if (connection === undefined || problems.length > 0) return { source: undefined, problems }
  const source: SourceConfig = {
    name,
    type: typeOf(input),
    connection,
    ...(input.tls === undefined ? {} : { tls: input.tls }),
    ...(input.ca === undefined ? {} : { ca: resolve(root, input.ca) }),
    timezone,
    ...(input.slot === undefined ? {} : { slot: input.slot }),
    ...(input.busy_above === undefined ? {} : { busyAbove: BigInt(input.busy_above) }),
    ...(input.max_connections === undefined ? {} : { maxConnections: input.max_connections }),
    ...(input.duckdb_extension === undefined ? {} : { extension: extensionOf(input.duckdb_extension, root) }),
    ...(salt === undefined ? {} : { salt }),
    prefix: input.prefix ?? '',
    place: { ...node.place, length: 1 },
  }
  return { source, problems }
}

function extensionOf(written: string, root: string): { file: string | undefined } {
  return { file: written === 'installed' ? undefined : resolve(root, written) }
}

function readSalt({ salt }: SourceInput, node: ConfigNode, problems: Problem[]): SecretRef | undefined {
  if (salt === undefined) return undefined
  const ref = parseSecretRef(salt.secret)
  if (!(ref instanceof Problem)) return ref
  problems.push(Object.assign(ref, { place: placeOf(node, ['salt', 'secret']) }))
  return undefined
}

const parts = ['host', 'port', 'database', 'user', 'password'] as const

function buildConnection(
  name: string,
  input: SourceInput,
  node: ConfigNode,
  problems: Problem[],
): SourceConfig['connection'] | undefined {
  const open = (value: SecretInput, key: string): TextOrSecret | undefined => {
    const found = readSecretInput(value, findNode(node, [key]))
    if (!(found instanceof Problem)) return found
    problems.push(found)
    return undefined
  }
  if (input.url !== undefined) {
    const other = parts.find(part => input[part] !== undefined)
    if (other !== undefined) {
      const reason = `Source ${name} gives both \`url\` and \`${other}\``
      const hint =
        input.type === 'sqlite' ? 'A file has a url alone.' : 'Keep the url, or host, database, user and password.'
      problems.push(CONFIG_CONFLICT({ reason, hint }, { place: keyPlaceOf(node, [other]) }))
    }
    const url = open(input.url, 'url')
    if (typeof url === 'string') problems.push(...checkUrl(url, typeOf(input), node))
    return url === undefined ? undefined : { url }
  }
  const isFile = input.type === 'sqlite'
  for (const key of ['host', 'database', 'user'] as const) {
    if (input[key] !== undefined && !isFile) continue
    const hint = isFile
      ? 'Add `url: sqlite:path/to.db`.'
      : input.host === undefined
        ? 'Add `url: { secret: env:NAME }`, or host, database, user and password.'
        : undefined
    const missing = isFile || input.host === undefined ? 'url' : key
    problems.push(
      CONFIG_MISSING_KEY({ key: missing, where: `sources.${name}`, hint }, { place: { ...node.place, length: 1 } }),
    )
    return undefined
  }
  const password = input.password === undefined ? undefined : open(input.password, 'password')
  const { host = '', database = '', user = '', port = PORTS[typeOf(input)] } = input
  return { host, port, database, user, ...(password === undefined ? {} : { password }) }
}

const PORTS: Readonly<Record<SourceConfig['type'], number>> = {
  postgres: 5432,
  mysql: 3306,
  sqlserver: 1433,
  sqlite: 0,
}

/** MariaDB is read as MySQL: the server itself says which it is. SQL Server has two names. */
function typeOf({ type }: SourceInput): SourceConfig['type'] {
  return type === 'mariadb' ? 'mysql' : type === 'mssql' ? 'sqlserver' : type
}

function checkUrl(url: string, type: SourceConfig['type'], node: ConfigNode): Problem[] {
  try {
    PARSERS[type](url)
    return []
  } catch (error) {
    if (!(error instanceof Problem)) throw error
    return [Object.assign(error, { place: placeOf(node, ['url']) })]
  }
}

/** Where the table list of a source is, from the key `tables`. */
export function locateList(name: string, tables: ConfigNode, input: unknown): ListLocation | Problem | undefined {
  const { place } = tables
  if (tables.kind === 'list') return { kind: 'inline', node: tables, path: ['sources', name, 'tables'], place }
  if (typeof input === 'string') {
    if (!/^[a-z][a-z0-9+.-]*:\/\//i.test(input)) return { kind: 'file', path: input, place }
    return { kind: 'address', url: input, headers: {}, allowPrivate: false, place }
  }
  if (input === null || typeof input !== 'object' || !('url' in input)) return undefined
  const address = input as { url: string; headers?: Record<string, SecretInput>; allow_private?: boolean }
  const headers: [string, TextOrSecret][] = []
  for (const [header, value] of Object.entries(address.headers ?? {})) {
    const read = readSecretInput(value, findNode(tables, ['headers', header]))
    if (read instanceof Problem) return read
    headers.push([header, read])
  }
  const allowPrivate = address.allow_private ?? false
  return {
    kind: 'address',
    url: address.url,
    headers: Object.fromEntries(headers),
    allowPrivate,
    place: placeOf(tables, ['url']),
  }
}
