/**
 * A small shop whose changes are known to the test: each round of changes goes to the database and to a model, which
 * then tells what every layer must hold. Each round touches a key at most once, so a version is a version.
 */
import type { Random } from '../../examples/music/random.ts'
import type { TestDatabase } from '../support/postgres.ts'

export const SHOP_SCHEMA = `
  CREATE TABLE customer (id bigint PRIMARY KEY, name text, updated_at timestamptz);
  CREATE TABLE invoice (no bigint PRIMARY KEY, customer_id bigint, amount numeric(10,2), updated_at timestamptz)`

export const SHOP_TABLES = [
  { schema: 'public', table: 'customer', cdc_col: 'updated_at' },
  {
    schema: 'public',
    table: 'invoice',
    cdc_col: 'updated_at',
    silver: { expect_or_drop: { not_negative: 'amount >= 0' } },
  },
]

export const SHOP_FLOWS = {
  'flows/customer.sql': `CREATE OR REFRESH STREAMING TABLE gold.customer (
      CONSTRAINT somebody EXPECT (name <> 'nobody') ON VIOLATION DROP ROW);
    CREATE FLOW customer_cdc AS AUTO CDC INTO gold.customer FROM STREAM(silver.customer) KEYS (id)
    APPLY AS DELETE WHEN _op = 'delete' SEQUENCE BY _seq STORED AS SCD TYPE 2;`,
  'flows/invoice.sql': `CREATE OR REFRESH STREAMING TABLE gold.invoice;
    CREATE FLOW invoice_cdc AS AUTO CDC INTO gold.invoice FROM STREAM(silver.invoice) KEYS (no)
    APPLY AS DELETE WHEN _op = 'delete' SEQUENCE BY updated_at STORED AS SCD TYPE 1;`,
  'flows/totals.sql': `CREATE OR REFRESH MATERIALIZED VIEW gold.totals AS
    SELECT c.id, count(*) AS invoices, sum(i.amount) AS amount
    FROM silver.invoice i JOIN silver.customer c ON c.id = i.customer_id GROUP BY c.id;`,
}

/** What every layer must hold. */
export interface Shop {
  /** Names each customer had, oldest first, and whether the row is still there. `nobody` is not among them. */
  customers: Map<number, { names: string[]; live: boolean }>
  nobodies: number[]
  invoices: number[]
  /** Numbers of invoices below zero. */
  negative: number[]
  /** Entries bronze must have, by operation. */
  entries: { upsert: number; delete: number }
}

export function emptyShop(): Shop {
  return { customers: new Map(), nobodies: [], invoices: [], negative: [], entries: { upsert: 0, delete: 0 } }
}

/** One transaction of changes: new, changed, deleted and returning customers, one nobody, invoices good and bad. */
export async function changeShop(database: TestDatabase, shop: Shop, random: Random, round: number): Promise<void> {
  const statements: string[] = []
  const put = (id: number, name: string): void => {
    statements.push(`INSERT INTO customer VALUES (${id}, '${name}', now())
      ON CONFLICT (id) DO UPDATE SET name = excluded.name, updated_at = excluded.updated_at`)
    shop.entries.upsert += 1
  }
  const live = [...shop.customers].filter(([, { live: is }]) => is).map(([id]) => id)
  const gone = [...shop.customers].filter(([, { live: is }]) => !is).map(([id]) => id)
  const changing = chosen(random, live, 8)
  const changed = [...changing, ...chosen(random, gone, 1)]
  const deleted = chosen(random, live, 3).filter(id => !changing.includes(id))
  const added = Array.from({ length: 10 }, (_, i) => round * 100 + i)
  for (const id of [...changed, ...added]) {
    const name = `customer ${id} in round ${round}`
    put(id, name)
    shop.customers.set(id, { names: [...(shop.customers.get(id)?.names ?? []), name], live: true })
  }
  for (const id of deleted) {
    statements.push(`DELETE FROM customer WHERE id = ${id}`)
    shop.customers.set(id, { names: shop.customers.get(id)?.names ?? [], live: false })
    shop.entries.delete += 1
  }
  shop.nobodies.push(round * 100 + 99)
  put(round * 100 + 99, 'nobody')
  for (let i = 0; i < 20; i += 1) {
    const no = round * 100 + i
    const amount = i % 10 === 3 ? -1 : random.integer(0, 10_000)
    shop.invoices.push(no)
    if (amount < 0) shop.negative.push(no)
    statements.push(`INSERT INTO invoice VALUES (${no}, ${random.pick(added)}, ${amount}, now())`)
    shop.entries.upsert += 1
  }
  await database.query(statements.join(';\n'))
}

function chosen(random: Random, from: readonly number[], count: number): number[] {
  if (from.length === 0) return []
  return [...new Set(Array.from({ length: count }, () => random.pick(from)))]
}
