import { expect, test } from 'vitest'
import { deltaPaths, readTimeTravel } from './time-travel.ts'

const PLACE = { file: 'query', line: 1, column: 1 }
const read = (text: string) => readTimeTravel(text, PLACE)

test.each([
  ['SELECT * FROM silver.t VERSION AS OF 3', 'silver.t', { version: 3n }],
  ["SELECT * FROM silver.t timestamp as of '2026-11-01'", 'silver.t', { timestamp: '2026-11-01' }],
  ['SELECT * FROM delta.`/a/b c` VERSION AS OF 0 AS x', 'delta./a/b c', { version: 0n }],
  [
    'SELECT * FROM silver."a b" /* now */ VERSION AS OF 9007199254740993 t',
    'silver.a b',
    { version: 9007199254740993n },
  ],
])('%s', (text, name, at) => {
  const { text: plain, tables } = read(text)
  expect([...tables.values()]).toEqual([{ name, at }])
  expect(plain.length).toBe(text.length)
  expect(plain).not.toMatch(/as of/i)
})

test('a table keeps its own name, so that columns can be qualified by it', () => {
  const { text, tables } = read('SELECT t.a FROM silver.t VERSION AS OF 3 JOIN silver.u USING (a)')
  expect(text).toBe('SELECT t.a FROM v0.t                     JOIN silver.u USING (a)')
  expect([...tables.keys()]).toEqual(['v0.t'])
})

test('a schema called like the name of a version is not taken for it', () => {
  const { text, tables } = read('SELECT * FROM v0.t JOIN "V_0".t VERSION AS OF 3 old USING (a)')
  expect([...tables]).toEqual([['v__0.t', { name: 'V_0.t', at: { version: 3n } }]])
  expect(text).toMatch(/^SELECT \* FROM v0\.t JOIN v__0\.t +old USING \(a\)$/)
})

test('a text between dollars is a text', () => {
  const text = 'SELECT $$ FROM silver.t VERSION AS OF 1 $$, $q$ $$ FROM silver.t VERSION AS OF 2 $q$, $1 FROM silver.t'
  expect(read(text)).toEqual({ text, tables: new Map() })
  expect(deltaPaths('SELECT $$ delta.`/a` $$')).toEqual([])
})

test('table_changes takes versions or times, the last one inclusive or left out', () => {
  const text =
    "SELECT * FROM table_changes('silver.t', 2, 5) UNION ALL SELECT * FROM table_changes('delta.`/p`', '2026-01-01')"
  const { tables } = read(text)
  expect([...tables.values()]).toEqual([
    { name: 'silver.t', changes: { from: { version: 2n }, to: { version: 5n } } },
    { name: 'delta./p', changes: { from: { timestamp: '2026-01-01' }, to: undefined } },
  ])
})

test('columns and texts that only look alike are left alone', () => {
  const text = `SELECT version AS of, 'x VERSION AS OF 1' AS "VERSION AS OF 1" FROM silver.t -- VERSION AS OF 2`
  expect(read(text)).toEqual({ text, tables: new Map() })
})

test.each(['SELECT * FROM silver.t VERSION AS OF x', "SELECT * FROM table_changes('silver.t')"])(
  '%s is refused',
  text => {
    expect(() => read(text)).toThrow(
      expect.objectContaining({ problems: [expect.objectContaining({ code: 'QUERY_REFUSED' })] }),
    )
  },
)

test('paths are found wherever a table is named by one', () => {
  const text = 'SELECT * FROM delta.`/a` JOIN Delta."b/c" ON true, table_changes(\'delta.`/d`\', 1), silver.delta'
  expect(deltaPaths(text)).toEqual(['/a', 'b/c', '/d'])
})
