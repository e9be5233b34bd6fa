/**
 * MariaDB under live writers: eight connections work for some seconds while ingestion follows by a capped cursor (B) and by
 * full compare (A). At the end nothing is lost, stale or left over. Names that attack are part of the same server.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createRandom } from '../../examples/music/random.ts'
import { sql } from '../../packages/tidemark/src/engine/sql.ts'
import { createMysqlDatabase, hasMariadb, type MysqlClient, type MysqlDatabase } from '../support/mariadb.ts'
import { never, openMysqlSource, readRows, ref, tableOf } from '../support/source.ts'
import { createWorld, type EntryOverrides } from '../support/world.ts'
import { compareRows, EQUAL } from './compare.ts'

const SECONDS = Number(process.env['TIDEMARK_LIVE_SECONDS'] ?? 20)
const SEED = Number(process.env['TIDEMARK_LIVE_SEED'] ?? Date.now() % 1_000_000)
const WRITERS = 8

/** A transaction of a few changes, some in savepoints, some long, some given up. */
async function work(client: MysqlClient, n: number, signal: AbortSignal, ended: { count: number }): Promise<void> {
  const random = createRandom(SEED * 100 + n)
  let next = 0
  await client.query('SET innodb_lock_wait_timeout = 1')
  while (!signal.aborted) {
    try {
      await client.query('START TRANSACTION')
      for (let i = random.integer(1, 5); i > 0; i -= 1) {
        const inSavepoint = random.chance(0.5)
        if (inSavepoint) await client.query('SAVEPOINT s')
        if (random.chance(0.6)) {
          await client.query(`INSERT INTO event (id, v) VALUES ('${n}-${next++}', 'new')`)
        } else if (random.chance(0.8)) {
          const id = `${n}-${random.integer(0, Math.max(1, next))}`
          await client.query(`UPDATE event SET v = CONCAT('u', ${next}), at = now(6) WHERE id = '${id}'`)
        } else await client.query(`DELETE FROM event WHERE id = '${n}-${random.integer(0, Math.max(1, next))}'`)
        if (inSavepoint && random.chance(0.3)) await client.query('ROLLBACK TO SAVEPOINT s')
      }
      if (random.chance(0.05)) await delay(random.integer(0, 500))
      if (random.chance(0.01)) await delay(random.integer(500, 2000))
      await client.query(random.chance(0.1) ? 'ROLLBACK' : 'COMMIT')
      ended.count += 1
    } catch (error) {
      // A deadlock or a lock that was not had in time. Anything else is a mistake of this file.
      if (!/Deadlock|Lock wait timeout/.test(String(error))) throw error
      await client.query('ROLLBACK')
    }
  }
}

describe.runIf(hasMariadb)(
  `${WRITERS} writers on MariaDB for ${SECONDS} s; replay with TIDEMARK_LIVE_SEED=${SEED}`,
  () => {
    let db: MysqlDatabase
    beforeAll(async () => {
      db = await createMysqlDatabase(import.meta.url)
    })
    afterAll(() => db?.drop())

    test('class B and full compare lose nothing, double nothing and keep no ghost', async () => {
      await db.query(`CREATE TABLE event (id varchar(40) COLLATE utf8mb4_bin PRIMARY KEY, v text,
      at timestamp(6) NOT NULL DEFAULT now(6), KEY (at))`)
      const ways: EntryOverrides[] = [
        { table: 'event', cdcCol: 'at', guarantee: 'server_clock' },
        { table: 'event', guarantee: 'exact' },
      ]
      const stop = new AbortController()
      const ended = { count: 0 }
      const clients = await Promise.all(Array.from({ length: WRITERS }, () => db.connect()))
      const writing = Promise.all(clients.map((client, n) => work(client, n, stop.signal, ended)))
      const worlds = await Promise.all(ways.map(() => createWorld(db, { type: 'mysql' })))
      const follow = async (): Promise<void> => {
        for (const [i, way] of ways.entries()) await worlds[i]?.ingest(way)
      }
      let runs = 0
      const end = performance.now() + SECONDS * 1000
      try {
        // A loaded machine is given the time it needs to do enough.
        while (performance.now() < end || runs <= SECONDS / 10 || ended.count <= SECONDS * 10) {
          await follow()
          runs += 1
        }
      } finally {
        stop.abort()
        await writing
      }
      await follow()
      console.info(`seed ${SEED}: ${ended.count} transactions, ${runs} runs of each way`)
      expect(ended.count).toBeGreaterThan(SECONDS * 10)
      expect(runs).toBeGreaterThan(SECONDS / 10)
      const source = await db.query(
        `SELECT id, v, CAST(TIMESTAMPDIFF(MICROSECOND, '1970-01-01', at) AS CHAR) AS at FROM event`,
      )
      for (const [i, way] of ways.entries()) {
        const rows = (await worlds[i]?.live('event', sql`id`)) ?? []
        const lake = rows.map(({ id, v }) => ({ id, v }))
        expect(
          compareRows(
            source.map(({ id, v }) => ({ id: id ?? null, v: v ?? null })),
            lake,
            ['id'],
          ),
        ).toEqual(EQUAL)
        expect(await worlds[i]?.verify(way)).toMatchObject({ status: 'equal', lost: 0n, stale: 0n, ghost: 0n })
      }
    })

    test('2,000 names that attack are names: each is found, read and nothing else is touched', async () => {
      const parts = [
        '"',
        "'",
        '`',
        ';--',
        '\\',
        '$1',
        '?',
        '%s',
        '/*',
        '*/',
        '\u202e',
        'ß',
        '日',
        '{}',
        '#',
        '\t',
        '\n',
        ',',
      ]
      const random = createRandom(SEED)
      const hostile = (n: number): string => {
        const text = Array.from(
          { length: random.integer(1, 12) },
          () => parts[random.integer(0, parts.length - 1)],
        ).join('x')
        return `${n} ${text}; DROP TABLE canary`.slice(0, 62).trimEnd()
      }
      const quote = (name: string): string => `\`${name.replaceAll('`', '``')}\``
      await db.query(`CREATE TABLE canary (id int PRIMARY KEY); INSERT INTO canary VALUES (1)`)
      const tables = Array.from({ length: 40 }, (_, t) => ({
        name: hostile(t),
        columns: Array.from({ length: 49 }, (_, c) => hostile(c)),
      }))
      for (const { name, columns } of tables) {
        await db.query(
          `CREATE TABLE ${quote(name)} (${columns.map(one => `${quote(one)} varchar(64)`).join(', ')}) CHARACTER SET utf8mb4`,
        )
        await db.query(`INSERT INTO ${quote(name)} VALUES (${columns.map(() => '?').join(', ')})`, columns)
      }
      const refs = tables.map(({ name }) => ref(name, db.database))
      const snapshot = await openMysqlSource(db).openSnapshot(refs, never)
      for (const [t, { name, columns }] of tables.entries()) {
        const wanted = refs[t]
        if (wanted === undefined) throw new Error(name)
        const table = tableOf(snapshot, wanted)
        expect(table.columns.map(column => column.name)).toEqual(columns)
        const [row] = await readRows(snapshot, table)
        const { _row_version: _v, ...values } = row ?? {}
        expect(values).toEqual(Object.fromEntries(columns.map(one => [one, one])))
      }
      expect(await db.query('SELECT id FROM canary')).toEqual([{ id: '1' }])
    })
  },
)
