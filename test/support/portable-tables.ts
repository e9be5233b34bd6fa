/**
 * Small tables with the edges of every type, the same for Spark and DuckDB: each value is a text that both cast. Queries
 * of the tests name them without a schema.
 */
interface FixedTable {
  /** Names with their Delta types. */
  columns: Readonly<Record<string, string>>
  /** Values as texts, binary in hexadecimal digits. */
  rows: readonly (readonly (string | null)[])[]
}

export const TABLES: Readonly<Record<string, FixedTable>> = {
  edges: {
    columns: {
      id: 'int',
      i: 'int',
      l: 'bigint',
      s: 'smallint',
      b: 'tinyint',
      d: 'double',
      f: 'float',
      m: 'decimal(10,2)',
      w: 'decimal(38,10)',
      t: 'string',
      dt: 'date',
      ts: 'timestamp',
      nt: 'timestamp_ntz',
      bo: 'boolean',
      bi: 'binary',
    },
    rows: [
      '1|1|9007199254740993|1|1|1.5|1.5|1.25|1234567890123456789.0123456789|a|2024-01-01|2024-01-01 10:00:00|2024-01-01 10:00:00|true|61',
      '2|2147483647|9223372036854775807|32767|127|NaN|NaN|-1.25|-0.0000000001|B|1969-12-31|1969-12-31 23:59:59.999999|1969-12-31 23:59:59.999999|false|',
      '3|-2147483648|-9223372036854775808|-32768|-128|Infinity|-Infinity|99999999.99|0||0001-01-01|0001-01-01 00:00:00|0001-01-01 00:00:00|NULL|NULL',
      '4|NULL|NULL|NULL|NULL|NULL|NULL|NULL|NULL|NULL|NULL|NULL|NULL|true|62',
      '5|0|0|0|0|-0.0|0.0|0|NULL|é😀|9999-12-31|9999-12-31 23:59:59.999999|9999-12-31 23:59:59.999999|false|C3A9',
      '6|1|-1|1|1|0.0|-0.0|1.25|5|a|2024-01-01|2024-01-01 10:00:00|NULL|true|61',
    ].map(row => row.split('|').map(value => (value === 'NULL' ? null : value))),
  },
  people: {
    columns: { user_id: 'int', country: 'string' },
    rows: [
      ['1', 'NO'],
      ['2', 'SE'],
      ['3', null],
    ],
  },
  events: {
    columns: { user_id: 'bigint', v: 'int' },
    rows: [
      ['1', '10'],
      ['1', '20'],
      ['2', null],
      ['9', '5'],
      [null, '1'],
    ],
  },
}

/** The statement that makes a table as a temporary view of a Spark session. */
export function sparkTable(name: string): string {
  return `CREATE OR REPLACE TEMPORARY VIEW ${name} AS ${select(name, type => type)}`
}

/** The statement that makes a table in DuckDB, in a session whose zone is UTC. */
export function duckdbTable(name: string): string {
  return `CREATE TABLE ${name} AS ${select(name, type => DUCKDB_NAMES[type] ?? type)}`
}

const DUCKDB_NAMES: Readonly<Record<string, string>> = {
  string: 'VARCHAR',
  timestamp: 'TIMESTAMPTZ',
  timestamp_ntz: 'TIMESTAMP',
}

function select(name: string, typeName: (type: string) => string): string {
  const { columns, rows } = TABLES[name] ?? { columns: {}, rows: [] }
  const names = Object.keys(columns)
  const casts = Object.entries(columns).map(([column, type]) =>
    type === 'binary' ? `unhex(${column}) AS ${column}` : `CAST(${column} AS ${typeName(type)}) AS ${column}`,
  )
  const values = rows.map(row => `(${row.map(value => (value === null ? 'NULL' : `'${value}'`)).join(', ')})`)
  return `SELECT ${casts.join(', ')} FROM (VALUES ${values.join(', ')}) AS v(${names.join(', ')})`
}
