/**
 * What ingestion promises over every database that speaks SQL to its writers: cursors, keys, columns, filters and masks as
 * an entry says, and what becomes of a table whose definition changes.
 */
import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { sql } from '../../packages/tidemark/src/engine/sql.ts'
import type { Source, SourceSnapshot } from '../../packages/tidemark/src/sources/source.ts'
import { problemOf } from '../support/source.ts'
import type { EntryOverrides, World, WorldOptions } from '../support/world.ts'

/** How one database says what these tests need; the rest they say in words that all of them know. */
export interface SqlWriter {
  name: string
  /** A source of its own, closed when the test ends. */
  source: () => Promise<Source>
  world: (options?: WorldOptions) => Promise<World>
  /** Run statements as somebody who may do everything. */
  write: (statements: string) => Promise<void>
  /** Type of a cursor. */
  time: string
  /** The time now, some minutes earlier. */
  ago: (minutes: number) => string
  /** How it prints 12.50 as a decimal(10,2), and true and false, which masks are made of. */
  prints: { price: string; zero: string; yes: string; no: string }
  /** Ends the connection that reads `big`; left out where nothing can be ended. */
  kill?: () => Promise<void>
  /** Rows 1 to `n` of `big (id, v)` with 200 characters each. */
  fill?: (n: number) => string
}

const TIE = `'2026-01-01 00:00:00.123456'`
const SALT = 'a salt of more than 16 characters'
const sha256 = (what: string): string => createHash('sha256').update(what).digest('hex')
const hash = (value: string): string => sha256(`${sha256(SALT)}:${value}`)

const plain: EntryOverrides = { table: 'orders', cdcCol: 'changed_at', guarantee: 'best_effort' }
const lagged: EntryOverrides = { table: 'orders', cdcCol: 'changed_at', guarantee: 'bounded_lag', lagMs: 600_000 }

export function ingestionSqlContract(writer: SqlWriter): void {
  const { name, write, time, ago, world: createWorld } = writer
  const shop = async (): Promise<World> => {
    await write(
      `DROP TABLE IF EXISTS orders; CREATE TABLE orders (id int PRIMARY KEY, v varchar(99), changed_at ${time})`,
    )
    return await createWorld()
  }
  const live = async (at: World): Promise<string[]> =>
    (await at.live('orders', sql`id`)).map(row => `${String(row['id'])}:${String(row['v'])}`)

  describe(`ingestion by what an entry says, from ${name}`, () => {
    test('ties at the mark arrive once, the rows that are there are not read as new', async () => {
      const at = await shop()
      await write(`INSERT INTO orders VALUES (1, 'a', ${TIE})`)
      await at.ingest(plain)
      await write(`INSERT INTO orders VALUES (2, 'b', ${TIE})`)
      expect((await at.ingest(plain)).ledger).toMatchObject({ read: 2n, inserted: 1n, duplicate: 1n })
      expect(await live(at)).toEqual(['1:a', '2:b'])
    })

    test('a row inserted behind a plain cursor shows in the count, one that is changed there in verify', async () => {
      const at = await shop()
      await write(`INSERT INTO orders VALUES (1, 'a', ${ago(0)})`)
      await at.ingest(plain)
      await write(`INSERT INTO orders VALUES (2, 'behind', ${ago(2000)})`)
      expect((await at.ingest(plain)).method).toBe('full compare: rows were committed behind plain cursor changed_at')
      await write(`UPDATE orders SET v = 'unseen' WHERE id = 2`)
      await at.ingest(plain)
      expect(await live(at)).toEqual(['1:a', '2:behind'])
      expect(await at.verify(plain)).toMatchObject({ status: 'different', stale: 1n, lost: 0n })
      expect((await at.repair(plain)).after.status).toBe('equal')
      expect(await live(at)).toEqual(['1:a', '2:unseen'])
    })

    test('a row inserted behind a cursor is found beside rows that are deleted in the same interval', async () => {
      const at = await shop()
      const rows = [1, 2, 3, 4, 5, 6].map(id => `(${id}, 'a', ${ago(0)})`)
      await write(`INSERT INTO orders VALUES ${rows.join(', ')}`)
      await at.ingest(lagged)
      await write(`DELETE FROM orders WHERE id <= 2; INSERT INTO orders VALUES (7, 'behind', ${ago(2000)})`)
      const outcome = await at.ingest(lagged)
      expect(outcome.method).toBe('full compare: rows were committed behind cursor changed_at, lag 10m')
      expect(outcome.ledger).toMatchObject({ inserted: 1n, deletes: 2n })
      expect(await live(at)).toEqual(['3:a', '4:a', '5:a', '6:a', '7:behind'])
    })

    test('a lag bounds what clocks of applications get wrong', async () => {
      const at = await shop()
      await write(`INSERT INTO orders VALUES (1, 'a', ${ago(0)})`)
      await at.ingest(lagged)
      await write(`INSERT INTO orders VALUES (2, 'skewed', ${ago(9)})`)
      expect((await at.ingest(lagged)).method).toBe('cursor changed_at, lag 10m')
      expect(await live(at)).toEqual(['1:a', '2:skewed'])
    })

    test('rows that come again after a change of the entry or the table are known, and those that differ are read', async () => {
      const at = await shop()
      await write(`INSERT INTO orders VALUES (1, 'a', ${ago(0)}), (2, 'b', ${ago(0)}), (3, 'c', ${ago(0)})`)
      await at.ingest(lagged)
      const changed: EntryOverrides = { ...lagged, excludeColumns: ['v'] }
      const nothing = { inserted: 0n, deletes: 0n }
      for (const prepare of ['', 'ALTER TABLE orders ADD COLUMN w int']) {
        if (prepare !== '') await write(prepare)
        expect((await at.ingest(changed)).method).toMatch(/^full compare: /)
        expect(await at.ingest(changed)).toMatchObject({ method: 'cursor changed_at, lag 10m', ledger: nothing })
        expect((await at.backfill(changed, { from: '2020-01-01' })).ledger).toMatchObject(nothing)
      }
      for (const w of [1, 2]) {
        await write(`UPDATE orders SET w = ${w}, changed_at = ${ago(0)} WHERE id = 2`)
        expect((await at.ingest(changed)).ledger).toMatchObject({ inserted: 1n, deletes: 0n })
        expect((await at.ingest(changed)).ledger).toMatchObject(nothing)
      }
      expect((await at.backfill(changed, { from: '2020-01-01' })).ledger).toMatchObject(nothing)
      expect((await at.bronze('orders')).map(({ id, w }) => `${String(id)} ${String(w)}`).sort()).toEqual([
        '1 null',
        '2 1',
        '2 2',
        '2 null',
        '3 null',
      ])
      expect((await at.verify(changed)).status).toBe('equal')
    })

    test('between full passes only what the cursor shows is read; the pass that is due finds the rest', async () => {
      const at = await shop()
      const never: EntryOverrides = { ...lagged, fullPassMs: 86_400_000 }
      const always: EntryOverrides = { ...lagged, fullPassMs: 1 }
      await write(`INSERT INTO orders VALUES (1, 'a', ${ago(3000)}), (2, 'b', ${ago(3000)}), (3, 'c', ${ago(3000)})`)
      await at.ingest(never)
      await write(`UPDATE orders SET v = 'behind' WHERE id = 1; DELETE FROM orders WHERE id = 2;
        INSERT INTO orders VALUES (4, 'behind', ${ago(2000)}), (5, 'new', ${ago(0)})`)
      const between = await at.ingest(never)
      expect([between.method, between.ledger]).toMatchObject([
        'cursor changed_at, lag 10m, full pass every 24h',
        { read: 1n, inserted: 1n, deletes: 0n },
      ])
      expect(await live(at)).toEqual(['1:a', '2:b', '3:c', '5:new'])
      const pass = await at.ingest(always)
      expect(pass.method).toMatch(/^full (pass|compare)/)
      expect(pass.ledger).toMatchObject({ inserted: 2n, deletes: 1n })
      expect(await live(at)).toEqual(['1:behind', '3:c', '4:behind', '5:new'])
      // A pass that finds nothing counts: the next one is due a whole interval later.
      const before = (await at.mark('orders')).fullPass?.asOf ?? ''
      await write(`INSERT INTO orders VALUES (6, 'once more', ${ago(0)}); DELETE FROM orders WHERE id = 6`)
      await at.ingest(always)
      expect(((await at.mark('orders')).fullPass?.asOf ?? '') > before).toBe(true)
      expect((await at.ingest(never)).method).toBe(between.method)
    })

    test('a table gets a full pass at once when it is to have some, and none of its rows twice', async () => {
      const at = await shop()
      await write(`INSERT INTO orders VALUES (1, 'a', ${ago(3000)}), (2, 'b', ${ago(3000)})`)
      await at.ingest(lagged)
      await write(`UPDATE orders SET v = 'behind' WHERE id = 1`)
      const first = await at.ingest({ ...lagged, fullPassMs: 86_400_000 })
      expect([first.method, first.ledger]).toMatchObject([
        'full compare: no full pass was made yet',
        { inserted: 1n, deletes: 0n },
      ])
      expect(await live(at)).toEqual(['1:behind', '2:b'])
    })

    test('rows without a cursor stop the table, are read in every run, or are no part of it', async () => {
      const at = await shop()
      await write(`INSERT INTO orders VALUES (1, 'a', ${ago(0)}), (2, 'null', NULL), (3, 'c', ${ago(0)})`)
      const refused = await problemOf(at.ingest(lagged))
      expect([refused.code, refused.message]).toEqual([
        'CURSOR_NULL',
        'bronze.orders: 1 row has NULL in changed_at, and would never be found by it.',
      ])
      const exclude: EntryOverrides = { ...lagged, nullCursor: 'exclude' }
      expect((await at.ingest(exclude)).ledger).toMatchObject({ read: 2n, inserted: 2n })
      expect(await at.verify(exclude)).toMatchObject({ status: 'equal', sourceRows: 2n, lakeRows: 2n })
      await write(`UPDATE orders SET changed_at = NULL WHERE id = 3`)
      expect((await at.ingest(exclude)).ledger).toMatchObject({ inserted: 0n, deletes: 1n })
      const include: EntryOverrides = { ...lagged, nullCursor: 'include' }
      await at.ingest(include)
      await write(`UPDATE orders SET v = 'changed' WHERE id = 2`)
      await at.ingest(include)
      expect(await live(at)).toEqual(['1:a', '2:changed', '3:c'])
    })

    test('a backfill reads its range and leaves the mark where it was; bounds that are none do nothing', async () => {
      const at = await shop()
      await write(`INSERT INTO orders VALUES (1, 'a', '2026-01-01 00:00:00'), (2, 'b', '2026-02-01 00:00:00')`)
      await at.ingest(lagged)
      await write(`UPDATE orders SET v = concat('behind ', id)`)
      const { cursor } = await at.mark('orders')
      const outcome = await at.backfill(lagged, { from: '2026-02-01', to: '2026-03-01' })
      expect(outcome.ledger).toMatchObject({ inserted: 1n })
      expect((await at.mark('orders')).cursor).toEqual(cursor)
      expect(await live(at)).toEqual(['1:a', '2:behind 2'])
      for (const from of [`x'; DROP TABLE orders; --`, '2026-02-30', '2026-01-01\0', '']) {
        expect((await problemOf(at.backfill(lagged, { from }))).code, from).toBe('SOURCE_RANGE_INVALID')
      }
      expect((await at.verify(lagged)).sourceRows).toBe(2n)
    })

    test('a filter and a list of columns are what the table is, for runs, deletes and verify', async () => {
      await write(`DROP TABLE IF EXISTS orders;
        CREATE TABLE orders (id int PRIMARY KEY, v varchar(99), changed_at ${time}, secret varchar(99))`)
      const at = await createWorld()
      await write(`INSERT INTO orders VALUES (1, 'a', ${ago(0)}, 'canary'), (2, 'skip', ${ago(0)}, 'canary')`)
      const some: EntryOverrides = { ...lagged, filter: "v <> 'skip'", columns: ['id', 'V', 'changed_at'] }
      expect((await at.ingest(some)).ledger).toMatchObject({ read: 1n, inserted: 1n })
      await write(`INSERT INTO orders VALUES (3, 'c', ${ago(0)}, 'x'); UPDATE orders SET v = 'skip' WHERE id = 1`)
      expect((await at.ingest(some)).ledger).toMatchObject({ inserted: 1n, deletes: 1n })
      expect(await live(at)).toEqual(['3:c'])
      expect(Object.keys((await at.bronze('orders'))[0] ?? {})).not.toContain('secret')
      expect(await at.verify(some)).toMatchObject({ status: 'equal', sourceRows: 1n })
    })

    test('a key that is not unique is refused before anything is written, at first and later', async () => {
      await write(
        `DROP TABLE IF EXISTS loose; CREATE TABLE loose (k int, v varchar(99)); INSERT INTO loose VALUES (1, 'a'), (1, 'b')`,
      )
      const at = await createWorld()
      const entry: EntryOverrides = { table: 'loose', primaryKey: ['k'] }
      expect((await problemOf(at.ingest(entry))).code).toBe('KEY_NOT_UNIQUE')
      expect(await at.version('loose')).toBeUndefined()
      await write(`DELETE FROM loose WHERE v = 'b'`)
      await at.ingest(entry)
      await write(`INSERT INTO loose VALUES (1, 'again')`)
      expect((await problemOf(at.ingest(entry))).code).toBe('KEY_NOT_UNIQUE')
      expect(await at.live('loose', sql`k`)).toMatchObject([{ v: 'a' }])
      expect((await problemOf(at.ingest({ ...entry, primaryKey: ['v', 'gone'] }))).code).toBe('KEY_COLUMN_MISSING')
    })

    test('a cursor that is dropped or becomes a text stops the table and names the way out', async () => {
      const at = await shop()
      await write(`INSERT INTO orders VALUES (1, 'a', ${ago(0)})`)
      await at.ingest(lagged)
      const table = (cursor: string): string =>
        `DROP TABLE orders; CREATE TABLE orders (id int PRIMARY KEY, v varchar(99)${cursor})`
      await write(table(', changed_at varchar(99)'))
      const retyped = await problemOf(at.ingest(lagged))
      expect([retyped.code, retyped.hint]).toEqual(['CDC_COLUMN_NOT_ORDERABLE', expect.stringMatching(/cdc_col/)])
      await write(table(''))
      const dropped = await problemOf(at.ingest(lagged))
      expect([dropped.code, dropped.hint]).toEqual(['CDC_COLUMN_MISSING', expect.stringContaining('leave it out')])
      expect(await live(at)).toEqual(['1:a'])
    })

    test('what the source has dropped is named with the way out, which then works', async () => {
      const at = await shop()
      await write(`INSERT INTO orders VALUES (1, 'a', ${ago(0)})`)
      const exact: EntryOverrides = { table: 'orders' }
      await at.ingest(exact)
      const without: EntryOverrides = { ...exact, excludeColumns: ['changed_at'] }
      await at.ingest(without)
      await write(`ALTER TABLE orders DROP COLUMN changed_at; INSERT INTO orders VALUES (2, 'b')`)
      const refused = await problemOf(at.ingest(without))
      expect([refused.code, refused.hint]).toEqual([
        'SOURCE_COLUMN_MISSING',
        expect.stringContaining('write changed_at* in `exclude_columns`'),
      ])
      await at.ingest({ ...exact, excludeColumns: ['changed_at*'] })
      expect(await live(at)).toEqual(['1:a', '2:b'])
      const listed = await problemOf(at.ingest({ ...exact, columns: ['id', 'v', 'changed_at'] }))
      expect(listed.hint).toContain('take changed_at out of `columns`')
      expect((await at.ingest({ ...exact, columns: ['id', 'v'] })).ledger).toMatchObject({ deletes: 0n })
    })

    test('masks give the same values for every type, and NULL stays NULL', async () => {
      await write(`DROP TABLE IF EXISTS person; CREATE TABLE person
        (id int PRIMARY KEY, name varchar(99), n int, born date, price decimal(10,2), ok boolean);
        INSERT INTO person VALUES (1, 'Åse canary', 4711471, '1931-07-29', 12.50, true), (2, NULL, NULL, NULL, NULL, NULL),
        (3, '', -5, '2000-01-01', 0, false)`)
      const all = ['name', 'n', 'born', 'price', 'ok']
      const read = async (mask: 'hash' | 'partial' | 'null'): Promise<unknown[][]> => {
        const at = await createWorld({ salt: () => SALT })
        await at.ingest({ table: 'person', masks: Object.fromEntries(all.map(column => [column, mask])) })
        const rows = await at.live('person', sql`id`)
        return rows.map(row => all.map(column => row[column]))
      }
      const { price, zero, yes, no } = writer.prints
      const values = [
        ['Åse canary', '4711471', '1931-07-29', price, yes],
        ['', '-5', '2000-01-01', zero, no],
      ]
      const nothing = all.map(() => null)
      const partly = (value: string): string =>
        `***${value.slice(value.length - Math.min(4, Math.floor(value.length / 2)))}`
      const [first, second] = values.map(row => row.map(hash))
      expect(await read('hash')).toEqual([first, nothing, second])
      const [part, otherPart] = values.map(row => row.map(partly))
      expect(await read('partial')).toEqual([part, nothing, otherPart])
      expect(await read('null')).toEqual([nothing, nothing, nothing])
    })

    test.skipIf(writer.kill === undefined)(
      'a connection killed in the middle of a load leaves nothing, and the next run loads all',
      async () => {
        const { kill, fill } = writer
        if (kill === undefined || fill === undefined) throw new Error('nothing can be killed')
        await write(`DROP TABLE IF EXISTS big; CREATE TABLE big (id int PRIMARY KEY, v varchar(200)); ${fill(100_000)}`)
        let kills = 0
        const killOnce = async (): Promise<void> => {
          kills += 1
          if (kills === 1) await kill()
        }
        const at = await createWorld({ source: breaking(await writer.source(), killOnce) })
        const problem = await problemOf(at.ingest({ table: 'big' }))
        expect([problem.code, problem.retry]).toEqual(['SOURCE_INTERRUPTED', 'later'])
        expect(await at.version('big')).toBeUndefined()
        expect((await at.ingest({ table: 'big' })).ledger).toMatchObject({ inserted: 100_000n, duplicate: 0n })
        expect((await at.verify({ table: 'big' })).status).toBe('equal')
      },
    )
  })
}

/** The source, with something done after the first piece of rows has come. */
function breaking(source: Source, afterFirst: () => Promise<void>): Source {
  const broken = (snapshot: SourceSnapshot): SourceSnapshot =>
    new Proxy(snapshot, {
      get: (target, key) => {
        const value: unknown = Reflect.get(target, key, target)
        if (key !== 'copy') return typeof value === 'function' ? (value.bind(target) as unknown) : value
        return async function* (request: Parameters<SourceSnapshot['copy']>[0]) {
          let n = 0
          for await (const segment of target.copy({ ...request, segmentBytes: 50_000 })) {
            if (n === 0) await afterFirst()
            n += 1
            yield segment
          }
        }
      },
    })
  return { ...source, openSnapshot: async (...args) => broken(await source.openSnapshot(...args)) }
}
