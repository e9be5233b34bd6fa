/** Our own reader for interop tests: the snapshot from packages/delta, the rows through the product's engine. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { randomUUID } from 'node:crypto'
import { type DataType, LocalStore, planChanges, readSnapshot } from '@tidemark/delta'
import {
  DuckDBBlobValue,
  DuckDBDateValue,
  DuckDBDecimalValue,
  DuckDBInstance,
  DuckDBListType,
  DuckDBListValue,
  DuckDBMapType,
  DuckDBMapValue,
  type DuckDBResultReader,
  DuckDBStructType,
  DuckDBStructValue,
  DuckDBTimestampTZValue,
  DuckDBTimestampValue,
  type DuckDBType,
  DuckDBTypeId,
  type DuckDBValue,
} from '@duckdb/node-api'
import { openDuckdb } from '../../../packages/tidemark/src/engine/duckdb.ts'
import { sql, text } from '../../../packages/tidemark/src/engine/sql.ts'
import type { Wire, WireRows } from './wire.ts'

/** Read the Delta table in a local folder as the product does. */
export async function readOwn(
  folder: string,
  { version, cdf }: { version?: number; cdf?: { from: number; to: number } },
): Promise<WireRows> {
  const store = new LocalStore(dirname(folder))
  const at = version === undefined ? undefined : BigInt(version)
  const scratch = await mkdtemp(join(tmpdir(), 'tidemark-read-own-'))
  const engine = openDuckdb({ store, ids: testIds, scratch, folders: [dirname(folder)] })
  const instance = await DuckDBInstance.create(':memory:')
  const connection = await instance.connect()
  try {
    const tables = { store, logParquet: engine.logParquet }
    const snapshot = await readSnapshot(tables, { tablePath: basename(folder), version: at })
    if (!snapshot) throw new Error(`there is no Delta table in ${folder}`)
    await using session = await engine.session()
    await connection.run("SET TimeZone = 'UTC'")
    // A scan holds inside its session only, and a session gives no raw values: a file carries them over.
    const file = join(scratch, 'rows.parquet')
    const range = cdf && { tablePath: basename(folder), from: BigInt(cdf.from), to: BigInt(cdf.to) }
    const rows = await (range === undefined
      ? session.scan(snapshot)
      : session.scanChanges(await planChanges(tables, range)))
    await session.run(sql`COPY (${rows}) TO ${text(file)} (FORMAT parquet)`)
    const found = await connection.runAndReadAll(sql`FROM read_parquet(${text(file)})`.text)
    const columns = snapshot.schema.fields.map(({ name, type }) => ({ name, type: sparkType(type) }))
    return { columns: cdf === undefined ? columns : [...columns, ...CHANGE_COLUMNS], rows: wireRows(found) }
  } finally {
    connection.closeSync()
    instance.closeSync()
    await engine.close()
    await rm(scratch, { recursive: true, force: true })
  }
}

const CHANGE_COLUMNS = [
  { name: '_change_type', type: 'string' },
  { name: '_commit_version', type: 'bigint' },
  { name: '_commit_timestamp', type: 'timestamp' },
]

const testIds = { uuid: () => randomUUID(), runId: () => 'read-own' }

const SPARK_NAMES: Readonly<Record<string, string>> = {
  byte: 'tinyint',
  short: 'smallint',
  integer: 'int',
  long: 'bigint',
}

/** A Delta type under the name that Spark prints. */
export function sparkType(type: DataType): string {
  if (typeof type === 'string') return SPARK_NAMES[type] ?? type
  if (type.type === 'array') return `array<${sparkType(type.elementType)}>`
  if (type.type === 'map') return `map<${sparkType(type.keyType)},${sparkType(type.valueType)}>`
  return `struct<${type.fields.map(f => `${f.name}:${sparkType(f.type)}`).join(',')}>`
}

/** Rows as DuckDB gives them, in the wire form. */
export function wireRows(found: DuckDBResultReader): Wire[][] {
  const types = found.columnTypes()
  return found.getRows().map(row => types.map((type, i) => toWire(row[i], type)))
}

/** A value in the wire form. Only its type tells a double from a small integer. */
function toWire(value: DuckDBValue | undefined, type: DuckDBType): Wire {
  if (value === null || value === undefined) return null
  if (typeof value === 'boolean' || typeof value === 'string') return value
  if (typeof value === 'number' && (type.typeId === DuckDBTypeId.DOUBLE || type.typeId === DuckDBTypeId.FLOAT))
    return ['f', Object.is(value, -0) ? '-0' : String(value)]
  if (typeof value === 'number' || typeof value === 'bigint' || value instanceof DuckDBDecimalValue)
    return String(value)
  if (value instanceof DuckDBDateValue) return dateText(value.days)
  if (value instanceof DuckDBTimestampTZValue) return `${timeText(value.micros)}Z`
  if (value instanceof DuckDBTimestampValue) return timeText(value.micros)
  if (value instanceof DuckDBBlobValue) return Buffer.from(value.bytes).toString('hex').toUpperCase()
  if (value instanceof DuckDBListValue && type instanceof DuckDBListType)
    return ['a', value.items.map(item => toWire(item, type.valueType))]
  if (value instanceof DuckDBStructValue && type instanceof DuckDBStructType)
    return [
      's',
      type.entryNames.map((name, i): [string, Wire] => [name, toWire(value.entries[name], type.entryTypes[i] ?? type)]),
    ]
  if (value instanceof DuckDBMapValue && type instanceof DuckDBMapType)
    return [
      'm',
      value.entries.map(({ key, value: item }): [Wire, Wire] => [
        toWire(key, type.keyType),
        toWire(item, type.valueType),
      ]),
    ]
  throw new TypeError(`no wire form for ${String(value)} of type ${String(type)}`)
}

/** ISO 8601; a year beyond four digits has its sign. */
function dateText(days: number): string {
  const date = new Date(days * 86_400_000)
  const year = date.getUTCFullYear()
  const sign = year < 0 ? '-' : year > 9999 ? '+' : ''
  return `${sign}${String(Math.abs(year)).padStart(4, '0')}${date.toISOString().slice(-20, -14)}`
}

function timeText(micros: bigint): string {
  const inDay = ((micros % 86_400_000_000n) + 86_400_000_000n) % 86_400_000_000n
  const days = Number((micros - inDay) / 86_400_000_000n)
  const time = new Date(Number(inDay / 1_000_000n) * 1000).toISOString().slice(10, 19)
  return `${dateText(days)}${time}.${String(inDay % 1_000_000n).padStart(6, '0')}`
}
