/**
 * What SQLite's values are in the lake, written down a second time and in full: which values of a declared type are taken, the
 * text of each, and what DuckDB makes of the text. The product judges most values without SQLite; here SQLite judges all.
 */

export interface Rule {
  declared: string
  /** Condition in SQLite under which a value that is not NULL is taken. */
  fits: (v: string) => string
  /** The text of such a value in SQLite. */
  print: (v: string) => string
  /** The value of the text in DuckDB. */
  typed: (text: string) => string
  asText?: true
}

const isOf = (v: string, ...classes: string[]): string =>
  `typeof(${v}) IN (${classes.map(one => `'${one}'`).join(', ')})`
const itself = (v: string): string => v
const castTo = (type: string) => (text: string) => `CAST(${text} AS ${type})`
const shortest = (v: string): string =>
  `CASE WHEN CAST(printf('%!.15g', ${v}) AS REAL) = ${v} THEN printf('%!.15g', ${v}) ELSE printf('%!.17g', ${v}) END`
const isDay = (v: string): string =>
  `(typeof(${v}) = 'text' AND ${v} GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]' AND date(${v}) IS ${v} AND ${v} >= '0001-01-01')`
const isMoment = (v: string): string =>
  `(typeof(${v}) = 'text' AND instr(${v}, char(0)) = 0 AND ${isDay(`substr(${v}, 1, 10)`)} \
AND substr(${v}, 1, 10) BETWEEN '0001-01-02' AND '9999-12-30' AND (length(${v}) = 10 OR substr(${v}, 11, 1) IN (' ', 'T') \
AND substr(${v}, 12, 2) < '24' AND instr(substr(${v}, 12), ' ') = 0 AND datetime(${v}) IS NOT NULL) \
AND NOT ${v} GLOB '*.[0-9][0-9][0-9][0-9][0-9][0-9][0-9]*')`
const doubles = (declared: string): Rule => ({
  declared,
  fits: v =>
    `(typeof(${v}) = 'real' OR typeof(${v}) = 'integer' AND CAST(CAST(${v} AS REAL) AS INTEGER) = ${v} AND ${v} <> ${2n ** 63n - 1n})`,
  print: v => `printf('%!.17g', ${v})`,
  typed: castTo('DOUBLE'),
})

function decimals(precision: number, scale: number): Rule {
  const print = (v: string): string =>
    `CASE typeof(${v}) WHEN 'integer' THEN ${v} ELSE printf('%!.${scale}f', ${v}) END`
  return {
    declared: `decimal(${precision},${scale})`,
    fits: v =>
      `(${isOf(v, 'integer', 'real')} AND CASE typeof(${v}) WHEN 'integer' THEN length(replace(${v}, '-', '')) <= ${precision - scale} OR ${v} = 0 \
ELSE abs(${v}) < 1e${precision - scale} END AND CAST(${print(v)} AS NUMERIC) = ${v})`,
    print,
    typed: castTo(`DECIMAL(${precision},${scale})`),
  }
}

export const RULES: readonly Rule[] = [
  { declared: 'integer', fits: v => isOf(v, 'integer'), print: itself, typed: castTo('BIGINT') },
  {
    declared: 'boolean',
    fits: v => `(typeof(${v}) = 'integer' AND ${v} IN (0, 1))`,
    print: itself,
    typed: castTo('BOOLEAN'),
  },
  doubles('real'),
  doubles('numeric'),
  decimals(10, 2),
  decimals(15, 0),
  decimals(18, 0),
  decimals(18, 2),
  decimals(18, 4),
  decimals(18, 18),
  decimals(30, 6),
  decimals(38, 20),
  { declared: 'date', fits: isDay, print: itself, typed: castTo('DATE') },
  {
    declared: 'datetime',
    fits: isMoment,
    print: itself,
    typed: text =>
      `CASE WHEN regexp_matches(${text}, '([Zz]|[+-][0-9][0-9]:[0-9][0-9])$') THEN CAST(${text} AS TIMESTAMPTZ) \
ELSE make_timestamptz(epoch_us(CAST(${text} AS TIMESTAMP))) END`,
  },
  { declared: 'text', fits: v => isOf(v, 'text'), print: itself, typed: itself },
  { declared: 'blob', fits: v => isOf(v, 'blob'), print: v => `hex(${v})`, typed: text => `unhex(${text})` },
  {
    declared: 'uuid',
    fits: v => `typeof(${v}) <> 'blob'`,
    print: v => `CASE typeof(${v}) WHEN 'real' THEN ${shortest(v)} ELSE ${v} END`,
    typed: itself,
  },
  {
    declared: 'int',
    asText: true,
    fits: () => 'true',
    print: v => `CASE typeof(${v}) WHEN 'real' THEN ${shortest(v)} WHEN 'blob' THEN hex(${v}) ELSE ${v} END`,
    typed: itself,
  },
]
