/** The music database: five tables with keys and nothing else, named as its owners named them, filled from a seed. */
import type { Client } from 'pg'
import { makeRows, type MusicTable, TABLES } from './rows.ts'

/** The key and the cursor that the table list names for each table. */
export const LAYOUT: Readonly<Record<MusicTable, { key: string; cursor: string }>> = {
  DimUser: { key: 'user_id', cursor: 'updated_at' },
  DimArtist: { key: 'artist_id', cursor: 'updated_at' },
  DimTrack: { key: 'track_id', cursor: 'updated_at' },
  DimDate: { key: 'date_key', cursor: 'date' },
  FactStream: { key: 'stream_id', cursor: 'stream_timestamp' },
}

const CREATE = `
CREATE SCHEMA dbo;
CREATE TABLE dbo."DimUser" (
  user_id integer PRIMARY KEY, user_name varchar(255), country varchar(255), subscription_type varchar(50),
  start_date date, end_date date, updated_at timestamp);
CREATE TABLE dbo."DimArtist" (
  artist_id integer PRIMARY KEY, artist_name varchar(255), genre varchar(100), country varchar(100),
  updated_at timestamp);
CREATE TABLE dbo."DimTrack" (
  track_id integer PRIMARY KEY, track_name varchar(255), artist_id integer, album_name varchar(255),
  duration_sec integer, release_date date, updated_at timestamp);
CREATE TABLE dbo."DimDate" (
  date_key integer PRIMARY KEY, date date, day integer, month integer, year integer, weekday varchar(20));
CREATE TABLE dbo."FactStream" (
  stream_id bigint PRIMARY KEY, user_id integer, track_id integer, date_key integer, listen_duration integer,
  device_type varchar(50), stream_timestamp timestamp);
`

/** Create and fill the tables in an empty database; returns how many rows there are. */
export async function fillDatabase(client: Client, seed: number): Promise<number> {
  await client.query(CREATE)
  const rows = makeRows(seed)
  for (const table of TABLES) {
    await client.query(
      `INSERT INTO ${sourceTable(table)} SELECT * FROM jsonb_populate_recordset(NULL::${sourceTable(table)}, $1)`,
      [JSON.stringify(rows[table])],
    )
  }
  await client.query('ANALYZE')
  return TABLES.reduce((sum, table) => sum + rows[table].length, 0)
}

/** The table's quoted name in the source. */
export function sourceTable(table: MusicTable): string {
  return `dbo."${table}"`
}
