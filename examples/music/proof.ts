/**
 * The demo's own comparison of source and lake. It shares nothing with `tidemark verify`: each side computes one MD5 over
 * the text of all its rows in key order, Postgres by SQL written here, the lake through `tidemark query`.
 */
import type { Client } from 'pg'
import { readCommand } from './cli.ts'
import { LAYOUT, sourceTable } from './database.ts'
import { type MusicTable, TABLES } from './rows.ts'

export interface Compared {
  /** `bronze.DimUser`. */
  table: string
  sourceRows: number
  lakeRows: number
  equal: boolean
}

/** Columns of each table as text; a timestamp without a zone is an instant in the lake. */
const COLUMNS: Readonly<Record<MusicTable, readonly string[]>> = {
  DimUser: ['user_id', 'user_name', 'country', 'subscription_type', 'start_date', 'end_date', 'updated_at'],
  DimArtist: ['artist_id', 'artist_name', 'genre', 'country', 'updated_at'],
  DimTrack: ['track_id', 'track_name', 'artist_id', 'album_name', 'duration_sec', 'release_date', 'updated_at'],
  DimDate: ['date_key', 'date', 'day', 'month', 'year', 'weekday'],
  FactStream: ['stream_id', 'user_id', 'track_id', 'date_key', 'listen_duration', 'device_type', 'stream_timestamp'],
}
const TIMESTAMPS = ['updated_at', 'stream_timestamp']

/** What loop_input.json asks of silver, said once more in the words of Postgres. */
const SILVER: Readonly<Record<MusicTable, { columns: Readonly<Record<string, string>>; where: string }>> = {
  DimUser: { columns: { user_name: 'upper(user_name)' }, where: 'true' },
  DimArtist: { columns: {}, where: 'true' },
  DimTrack: {
    columns: {
      track_name: "replace(track_name, '-', ' ')",
      durationFlag: "CASE WHEN duration_sec < 150 THEN 'low' WHEN duration_sec < 300 THEN 'medium' ELSE 'high' END",
    },
    where: 'true',
  },
  DimDate: { columns: {}, where: 'true' },
  FactStream: { columns: {}, where: 'listen_duration > 0' },
}

interface Fingerprint {
  table: string
  rows: number
  hash: string
}

/** Compare all bronze and silver tables with the source as it is now. */
export async function compareLake(client: Client): Promise<Compared[]> {
  const source = new Map((await readSource(client)).map(side => [side.table, side]))
  return (await readLake()).map(lake => {
    const other = source.get(lake.table)
    const equal = other !== undefined && other.rows === lake.rows && other.hash === lake.hash
    return { table: lake.table, sourceRows: other?.rows ?? 0, lakeRows: lake.rows, equal }
  })
}

async function readSource(client: Client): Promise<Fingerprint[]> {
  const parts = TABLES.flatMap(table => {
    const plain = (column: string): string => (TIMESTAMPS.includes(column) ? `${column}::text || '+00'` : column)
    const { columns, where } = SILVER[table]
    const derived = Object.keys(columns).filter(column => !COLUMNS[table].includes(column))
    const silver = [...COLUMNS[table], ...derived].map(column => columns[column] ?? plain(column))
    return [
      fingerprint(`bronze.${table}`, sourceTable(table), COLUMNS[table].map(plain), LAYOUT[table].key),
      fingerprint(
        `silver.${table}`,
        `(SELECT * FROM ${sourceTable(table)} WHERE ${where}) AS valid`,
        silver,
        LAYOUT[table].key,
      ),
    ]
  })
  const { rows } = await client.query<Fingerprint>(parts.join(' UNION ALL '))
  return rows.map(row => ({ ...row, rows: Number(row.rows) }))
}

async function readLake(): Promise<Fingerprint[]> {
  const parts = TABLES.flatMap(table => {
    const { key } = LAYOUT[table]
    const newest = `(SELECT * FROM (SELECT *, row_number() OVER (PARTITION BY ${key} ORDER BY _seq DESC) AS age
      FROM bronze.${table}) AS entries WHERE age = 1 AND _op = 'upsert') AS newest`
    const derived = Object.keys(SILVER[table].columns).filter(column => !COLUMNS[table].includes(column))
    return [
      fingerprint(`bronze.${table}`, newest, COLUMNS[table], key),
      fingerprint(`silver.${table}`, `silver.${table}`, [...COLUMNS[table], ...derived], key),
    ]
  })
  const answer = (await readCommand(['query', parts.join(' UNION ALL ')])) as Fingerprint[]
  return answer.map(row => ({ ...row, rows: Number(row.rows) }))
}

/** Count and hash of a relation; both databases understand this text alike. NULL and the empty text stay apart. */
function fingerprint(name: string, relation: string, expressions: readonly string[], key: string): string {
  const cells = expressions.map(expression => `coalesce(CAST(${expression} AS varchar), '(null)')`)
  return `SELECT '${name}' AS "table", count(*) AS "rows",
    md5(string_agg(concat_ws('|', ${cells.join(', ')}), '/' ORDER BY ${key})) AS "hash" FROM ${relation}`
}
