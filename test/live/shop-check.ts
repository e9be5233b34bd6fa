/** Every layer of the shop's lake against its model; one value to compare, so that a failure shows all that is wrong. */
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { TestProject } from '../support/project.ts'
import type { Shop } from './shop.ts'

/** What the lake holds, in the form `expectedShop` gives. */
export async function readShop(project: TestProject): Promise<Record<string, unknown>> {
  const numbers = async (query: string): Promise<number[]> => (await project.rows(query)).map(({ n }) => Number(n))
  const entries = (table: string): string =>
    `SELECT '${table}' AS "table", _op, _row_version, ${table === 'customer' ? 'id' : 'no'} AS key FROM {bronze.${table}}`
  const all = `(${entries('customer')} UNION ALL ${entries('invoice')})`
  return {
    entries: await numbers(`SELECT count(*) FILTER (_op = op) AS n FROM ${all}, (VALUES ('upsert'), ('delete')) AS o(op)
      GROUP BY op ORDER BY op DESC`),
    doubled: await numbers(
      `SELECT key AS n FROM ${all} WHERE _op = 'upsert' GROUP BY "table", key, _row_version HAVING count(*) > 1`,
    ),
    customers: await numbers('SELECT id AS n FROM {silver.customer} ORDER BY id'),
    invoices: await numbers('SELECT no AS n FROM {silver.invoice} ORDER BY no'),
    goldInvoices: await numbers('SELECT no AS n FROM {gold.invoice} ORDER BY no'),
    negative: await numbers('SELECT no AS n FROM {quarantine.silver_invoice} ORDER BY no'),
    nobodies: await numbers('SELECT id AS n FROM {quarantine.gold_customer} ORDER BY id'),
    history: (
      await project.rows(`SELECT id, string_agg(name, ', ' ORDER BY __START_AT) AS names,
        count(*) FILTER (__END_AT IS NULL) AS live FROM {gold.customer} GROUP BY id ORDER BY id`)
    ).map(({ id, names, live }) => `${String(id)}: ${String(names)}, ${String(live)} live`),
    totals: await numbers('SELECT sum(invoices)::BIGINT AS n FROM {gold.totals}'),
    verdicts: (await project.verify()).map(({ table, status }) => `${table} ${status}`),
    scratch: await readdir(join(project.lake, '_tmp')),
  }
}

/** What the lake must hold. Customers of invoices are never the nobodies, and may be deleted later. */
export function expectedShop(shop: Shop, invoicesOfLive: number): Record<string, unknown> {
  const ordered = [...shop.customers].toSorted(([a], [b]) => a - b)
  const live = ordered.filter(([, customer]) => customer.live).map(([id]) => id)
  const good = shop.invoices.filter(no => !shop.negative.includes(no))
  return {
    entries: [shop.entries.upsert, shop.entries.delete],
    doubled: [],
    customers: [...live, ...shop.nobodies].toSorted((a, b) => a - b),
    invoices: good,
    goldInvoices: good,
    negative: shop.negative,
    nobodies: shop.nobodies,
    history: ordered.map(([id, { names, live: is }]) => `${id}: ${names.join(', ')}, ${is ? 1 : 0} live`),
    totals: [invoicesOfLive],
    verdicts: ['bronze.customer equal', 'bronze.invoice equal'],
    scratch: [],
  }
}
