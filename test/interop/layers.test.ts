/**
 * Other engines read what we write: the rows of bronze, silver, gold and quarantine, through deletes, rewritten files
 * and a new column, are the columns, types and rows our own engine reads.
 */
import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createProject } from '../support/cli.ts'
import { WHEN_MISSING } from '../support/interop/installed.ts'
import { hasReader, type Reader, readWith } from '../support/interop/read-with.ts'
import { createDatabase, type TestDatabase } from '../support/postgres.ts'

const LIST = JSON.stringify([
  { schema: 'public', table: 'every_type' },
  {
    schema: 'public',
    table: 'person',
    cdc_col: 'updated_at',
    silver: { expect_or_drop: { named: 'name IS NOT NULL' } },
  },
  { schema: 'public', table: 'keyless' },
])
const PROJECT = `name: interop
sources:
  app: { type: postgres, url: { secret: env:INTEROP_URL }, tables: list.json }
`
const GOLD = `CREATE OR REFRESH STREAMING TABLE gold.person_history;
CREATE FLOW person_history_cdc AS AUTO CDC INTO gold.person_history
FROM STREAM(silver.person) KEYS (id) APPLY AS DELETE WHEN _op = 'delete' SEQUENCE BY updated_at STORED AS SCD TYPE 2;
CREATE OR REFRESH MATERIALIZED VIEW gold.names AS SELECT country, count(*) AS people FROM silver.person GROUP BY country;
`

let database: TestDatabase
beforeAll(async () => {
  database = await createDatabase(import.meta.url)
  await database.query(`CREATE TABLE every_type (id bigint PRIMARY KEY, b boolean, s smallint, i int, n numeric(38,10),
    m numeric(10,2), f4 real, f8 double precision, t text, d date, ts timestamp, tz timestamptz, raw bytea, u uuid,
    j jsonb, a int[], iv interval);
    INSERT INTO every_type VALUES
    (9223372036854775807, true, -32768, 2147483647, 1234567890123456789012345678.0123456789, -0.01, 1.5, 5e-324,
     E'quote " , \\n new\\r\\nline 😀', '0001-01-01', '1999-12-31 23:59:59.999999', '9999-12-31 23:59:59.999999+00',
     '\\x00ff', '6f1c1b0e-0000-4000-8000-000000000001', '{"a": [1, null]}', '{1,NULL,3}', '1 day 2 hours'),
    (-1, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
    (0, false, 0, 0, 0, 0, -0.0, 'Infinity', '', '1970-01-01', '1970-01-01', '1970-01-01 00:00+00', '', NULL, '[]', '{}', '0');
    CREATE TABLE person (id int PRIMARY KEY, name text, country text, updated_at timestamptz);
    INSERT INTO person SELECT i, 'name ' || i, 'c' || i % 7, '2026-01-01' FROM generate_series(1, 2000) i;
    INSERT INTO person VALUES (2001, NULL, 'c1', '2026-01-01');
    CREATE TABLE keyless (line text); INSERT INTO keyless VALUES ('a'), ('a'), (NULL)`)
})

const TABLES = [
  'bronze.every_type',
  'bronze.person',
  'bronze.keyless',
  'silver.every_type',
  'silver.person',
  'silver.keyless',
  'silver.person_changes',
  'gold.person_history',
  'gold.names',
  'quarantine.silver_person',
]

const OTHERS: readonly Reader[] = ['delta-rs', 'duckdb', 'spark']
/** The lake after three runs, in a folder that stays until the file's last test. */
let lake: Promise<string> | undefined
let kept: string
beforeAll(async () => {
  kept = await mkdtemp(join(tmpdir(), 'tidemark-layers-'))
})
afterAll(() => rm(kept, { recursive: true, force: true }))

async function buildLake(): Promise<string> {
  const files = { 'tidemark.yml': PROJECT, 'list.json': LIST, 'gold/person.sql': GOLD }
  const project = await createProject(files, { INTEROP_URL: database.url })
  expect((await project.run()).exit).toBe(0)
  await database.query(`UPDATE person SET name = 'changed', updated_at = '2026-01-02' WHERE id % 100 = 0;
      DELETE FROM person WHERE id % 333 = 0; INSERT INTO person VALUES (3000, NULL, 'c1', '2026-01-03')`)
  expect((await project.run()).exit).toBe(0)
  await database.query(`ALTER TABLE person ADD COLUMN note text; UPDATE person SET note = 'é' WHERE id = 1;
      UPDATE every_type SET t = NULL WHERE id = 0; DELETE FROM keyless WHERE line IS NULL`)
  expect((await project.run()).exit).toBe(0)
  await cp(project.lake, kept, { recursive: true })
  return kept
}

describe.each(OTHERS)('%s', reader => {
  test.skipIf(!hasReader(reader))(
    `reads every layer row for row, after changes, deletes, rewritten files and a new column (${WHEN_MISSING})`,
    async () => {
      lake ??= buildLake()
      for (const table of TABLES) {
        const folder = join(await lake, ...table.split('.'))
        const own = await readWith('tidemark', folder)
        expect(own.rows.length, table).toBeGreaterThan(0)
        expect(await readWith(reader, folder), table).toEqual(own)
      }
    },
  )
})
