/**
 * Decimals, which SQLite keeps as integers and doubles: a double is carried as the decimal of the declared scale when that
 * reads back as the same double.
 */
import { integer, raw, type Sql, sql, text } from '../../engine/sql.ts'
import type { Carried } from './types.ts'

/** Decimal digits that Delta and DuckDB carry. */
const MAX_PRECISION = 38

/** How a declared decimal is carried; undefined without digits that the lake has. `base` is what it shares with integers. */
export function decimal(declared: string, base: Carried): Carried | undefined {
  const [, digits = '', after = '0'] = /\(\s*(\d+)\s*(?:,\s*(\d+)\s*)?\)/.exec(declared) ?? []
  const [precision, scale] = [Number(digits), Number(after)]
  if (digits === '' || precision < 1 || precision > MAX_PRECISION || scale > precision) return undefined
  const print = (v: Sql): Sql =>
    sql`CASE typeof(${v}) WHEN 'integer' THEN ${v} ELSE printf(${text(`%!.${scale}f`)}, ${v}) END`
  const isWithin = (v: Sql): Sql =>
    sql`CASE typeof(${v}) WHEN 'integer' THEN ${isOfDigits(v, precision - scale)} ELSE abs(${v}) < 1e${integer(precision - scale)} END`
  return {
    ...base,
    deltaType: `decimal(${precision},${scale})`,
    orderable: false,
    fits: v => sql`(typeof(${v}) IN ('integer', 'real') AND ${isWithin(v)} AND CAST(${print(v)} AS NUMERIC) = ${v})`,
    others: `values that are no numbers of ${precision} digits, ${scale} after the point`,
    print,
    form: { kind: 'decimal', precision, scale },
    decode: value => sql`CAST(${value} AS DECIMAL(${integer(precision)},${integer(scale)}))`,
  }
}

/** As an integer: as a double 9,999,999,999,999,999 has a digit more. */
function isOfDigits(value: Sql, digits: number): Sql {
  // More than an integer of SQLite has.
  if (digits > 18) return raw('true')
  const most = 10n ** BigInt(digits) - 1n
  return sql`${value} BETWEEN ${integer(-most)} AND ${integer(most)}`
}
