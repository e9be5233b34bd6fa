/** The portable subset as a list, for docs/reference/portable-sql.md: what is written here is what the reader accepts. */
import { AGGREGATE_FUNCTIONS, WINDOW_FUNCTIONS } from './aggregates.ts'
import { SCALAR_FUNCTIONS } from './functions.ts'

export interface ReferenceEntry {
  signature: string
  meaning: string
}

export interface ReferenceGroup {
  title: string
  entries: readonly ReferenceEntry[]
}

const QUERIES: readonly ReferenceEntry[] = [
  {
    signature: 'WITH name AS (SELECT …)',
    meaning: 'Common table expressions without a column list and without RECURSIVE.',
  },
  { signature: '*, t.*, * EXCEPT (a, b)', meaning: 'Columns in order; a USING column once, first.' },
  { signature: '… AS name', meaning: 'Every expression that is not a column has a name; names differ, ignoring case.' },
  {
    signature: 'FROM t, STREAM(t), (SELECT …) s',
    meaning: 'Tables by table or schema.table; subqueries; streams only in streaming tables.',
  },
  {
    signature: '[INNER | LEFT | RIGHT | FULL] JOIN … ON | USING, CROSS JOIN',
    meaning: 'In a stream, an outer join may keep only rows of the streamed side.',
  },
  {
    signature: 'WHERE, GROUP BY, GROUP BY ALL, HAVING',
    meaning: 'GROUP BY takes expressions, aliases and positions. A condition is boolean: no text, number or bare NULL.',
  },
  { signature: 'UNION, UNION ALL, DISTINCT', meaning: 'Sides of a union come to a common type.' },
  { signature: 'ORDER BY, LIMIT, OFFSET', meaning: 'NULLs first going up, last going down. Only in views.' },
]

const OPERATORS: readonly ReferenceEntry[] = [
  {
    signature: '+ - *',
    meaning:
      'Integers overflow with an error; a FLOAT beside an integer gives a DOUBLE; decimals widen by Spark’s rule up to 38 digits.',
  },
  { signature: '/', meaning: 'A DOUBLE; by zero an error. Decimals are to be cast.' },
  { signature: '%', meaning: 'The sign of the left side; by zero an error.' },
  { signature: '||', meaning: 'Texts joined; NULL when a side is NULL.' },
  { signature: '= == <> != < <= > >= <=>, IS [NOT] DISTINCT FROM', meaning: 'In the common type of both sides.' },
  { signature: 'AND, OR, NOT, IS [NOT] NULL, [NOT] BETWEEN, [NOT] IN (list)', meaning: 'Three-valued logic.' },
  { signature: "[NOT] LIKE 'pattern'", meaning: 'The pattern is a literal; a backslash escapes % and _.' },
  { signature: 'CASE, if(condition, a, b), coalesce(a, b, …)', meaning: 'Results come to a common type.' },
  {
    signature: 'CAST, TRY_CAST, ::',
    meaning:
      'Numbers are cut toward zero, decimals rounded half up; a text that is no value is an error, and so are today, a time without a date, a zone by name and a year before 0.',
  },
  { signature: 'EXTRACT(unit FROM date)', meaning: 'YEAR, QUARTER, MONTH, DAY, HOUR, MINUTE.' },
]

const TYPES: readonly ReferenceEntry[] = [
  'BOOLEAN, TINYINT, SMALLINT, INT, BIGINT, FLOAT, DOUBLE, DECIMAL(p, s), STRING, BINARY, DATE',
  'TIMESTAMP (an instant, shown in UTC), TIMESTAMP_NTZ',
].map(signature => ({ signature, meaning: 'Types of columns, literals and casts. DECIMAL alone is DECIMAL(10, 0).' }))

/** All of the subset, in the order of the document. */
export function listPortableSql(): readonly ReferenceGroup[] {
  return [
    { title: 'Queries', entries: QUERIES },
    { title: 'Operators', entries: OPERATORS },
    { title: 'Types', entries: TYPES },
    { title: 'Functions', entries: SCALAR_FUNCTIONS },
    { title: 'Aggregates (materialized views only)', entries: AGGREGATE_FUNCTIONS },
    { title: 'Windows (materialized views only)', entries: Object.values(WINDOW_FUNCTIONS) },
  ].map(({ title, entries }) => ({ title, entries: entries.map(({ signature, meaning }) => ({ signature, meaning })) }))
}
