/** Promises about the demo's database: the same for everybody, and its day of changes really holds every trap. */
import pg from 'pg'
import { beforeAll, afterAll, describe, expect, test } from 'vitest'
import { ACCIDENT, applyChanges, DAY, holdTransaction, NEXT_DAY, REPAIR } from '../../examples/music/changes.ts'
import { fillDatabase } from '../../examples/music/database.ts'
import { compareRecipe, createRecipe, runRecipe } from '../../examples/music/recipe.ts'
import { DAYS, makeRows, STREAMS } from '../../examples/music/rows.ts'
import { createDatabase, type TestDatabase } from '../support/postgres.ts'

const SEED = 20251001
let database: TestDatabase
let client: pg.Client
let other: pg.Client

beforeAll(async () => {
  database = await createDatabase(import.meta.url)
  client = new pg.Client(database.url)
  other = new pg.Client(database.url)
  await Promise.all([client.connect(), other.connect()])
})

afterAll(async () => {
  await Promise.all([client.end(), other.end()])
  await database.drop()
})

describe('the rows', () => {
  test('are the same for a seed and others for another', () => {
    expect(makeRows(SEED)).toEqual(makeRows(SEED))
    expect(makeRows(SEED)).not.toEqual(makeRows(SEED + 1))
  })

  test('share few timestamps, many of them the newest one', () => {
    const stamps = makeRows(SEED).DimUser.map(user => String(user['updated_at']))
    const newest = stamps.toSorted().at(-1)
    expect(new Set(stamps).size).toBe(31)
    expect(stamps.filter(stamp => stamp === newest).length).toBeGreaterThanOrEqual(10)
  })

  test('refer to users, tracks and days that exist', () => {
    const rows = makeRows(SEED)
    const days = new Set(rows.DimDate.map(row => row['date_key']))
    expect(rows.FactStream.filter(row => !days.has(row['date_key'] ?? null))).toEqual([])
    expect([days.size, rows.FactStream.length]).toEqual([DAYS, STREAMS])
  })
})

test('a recipe that runs once over a quiet database copies it all; on the day of changes it loses rows of every kind', async () => {
  expect(await fillDatabase(client, SEED)).toBe(500 + 500 + 500 + DAYS + STREAMS)
  await createRecipe(client)
  const commit = await holdTransaction(other)
  await runRecipe(client, 1)
  expect(await compareRecipe(client)).toEqual(
    ['DimUser', 'DimArtist', 'DimTrack', 'DimDate', 'FactStream'].map(table => ({
      table,
      lost: 0,
      stale: 0,
      ghosts: 0,
    })),
  )
  await commit()
  await applyChanges(client, DAY)
  await runRecipe(client, 2)
  await applyChanges(client, [...NEXT_DAY, ACCIDENT])
  await runRecipe(client, 3)
  await applyChanges(client, [REPAIR])
  await runRecipe(client, 4)
  expect(await compareRecipe(client)).toEqual([
    { table: 'DimUser', lost: 0, stale: 33, ghosts: 1 },
    { table: 'DimArtist', lost: 12, stale: 0, ghosts: 0 },
    { table: 'DimTrack', lost: 0, stale: 25, ghosts: 0 },
    { table: 'DimDate', lost: 1, stale: 0, ghosts: 0 },
    { table: 'FactStream', lost: 100, stale: 15, ghosts: 2 },
  ])
})
