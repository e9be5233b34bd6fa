import { DuckDBInstance } from '@duckdb/node-api'
import { expect, test } from 'vitest'
import { raw, sql } from '../../engine/sql.ts'
import { align } from './align.ts'

/** True when the two values, of the given types, are the same once they are aligned. */
async function areSame(source: [string, string], target: [string, string], isJson = false): Promise<unknown> {
  const aligned = align(source[0], target[0], { isJson })
  if (aligned === undefined) return 'not compared'
  const instance = await DuckDBInstance.create(':memory:')
  const connection = await instance.connect()
  const value = ([type, literal]: [string, string]) => sql`CAST(${raw(literal)} AS ${raw(type)})`
  const [s, t] = [aligned.source(value(source)), aligned.target(value(target))]
  const reader = await connection.runAndReadAll(
    sql`SET TimeZone = 'UTC'; SELECT ${s} IS NOT DISTINCT FROM ${t}, hash(${s}) = hash(${t})`.text,
  )
  connection.closeSync()
  instance.closeSync()
  const [[equal, hash] = []] = reader.getRows()
  expect(hash).toBe(equal)
  return equal
}

test.each([
  ['an integer in a wider column', ['INTEGER', '5'], ['BIGINT', '5'], true],
  [
    'an integer that became a decimal',
    ['BIGINT', '9223372036854775807'],
    ['DECIMAL(38,9)', '9223372036854775807'],
    true,
  ],
  ['a decimal with more digits', ['DECIMAL(10,2)', '1.50'], ['DECIMAL(38,18)', '1.5'], true],
  ['a decimal that became a double', ['DECIMAL(10,2)', '0.10'], ['DOUBLE', '0.1'], true],
  [
    'a decimal rounded by a double',
    ['DECIMAL(38,2)', '12345678901234567890123456.11'],
    ['DECIMAL(38,2)', '12345678901234567890123456.12'],
    false,
  ],
  ['a boolean kept as 0 and 1', ['BOOLEAN', 'true'], ['INTEGER', '1'], true],
  ['a number kept as text', ['INTEGER', '5'], ['VARCHAR', "'5'"], true],
  ['a text that is no number', ['INTEGER', 'NULL'], ['VARCHAR', "'five'"], false],
  ['nothing, and nothing as text', ['INTEGER', 'NULL'], ['VARCHAR', 'NULL'], true],
  [
    'an instant kept as ISO text',
    ['TIMESTAMP WITH TIME ZONE', "'2026-01-01 00:00:00+00'"],
    ['VARCHAR', "'2026-01-01T00:00:00Z'"],
    true,
  ],
  [
    'an instant without its zone',
    ['TIMESTAMP WITH TIME ZONE', "'2026-01-01 12:00:00+00'"],
    ['TIMESTAMP', "'2026-01-01 12:00:00'"],
    true,
  ],
  [
    'an instant cut to milliseconds',
    ['TIMESTAMP WITH TIME ZONE', "'2026-01-01 12:00:00.123456+00'"],
    ['TIMESTAMP', "'2026-01-01 12:00:00.123'"],
    false,
  ],
  ['a day kept as midnight', ['DATE', "'2026-01-01'"], ['TIMESTAMP', "'2026-01-01 00:00:00'"], true],
  [
    'a uuid that is text in the source',
    ['VARCHAR', "'6b2f1b1e-6a0e-4f0e-9d3c-111111111111'"],
    ['UUID', "'6b2f1b1e-6a0e-4f0e-9d3c-111111111111'"],
    true,
  ],
  ['text and list', ['VARCHAR', "'[1]'"], ['INTEGER[]', '[1]'], 'not compared'],
  ['bytes and text', ['BLOB', "'a'"], ['VARCHAR', "'a'"], 'not compared'],
  ['a number and a day', ['INTEGER', '1'], ['DATE', "'2026-01-01'"], 'not compared'],
] as const)('%s', async (_name, source, target, same) => {
  expect(await areSame([...source], [...target])).toBe(same)
})

test('JSON is the same whatever its blanks, and text that is none is compared as it is', async () => {
  const json = (source: string, target: string): Promise<unknown> =>
    areSame(['VARCHAR', source], ['VARCHAR', target], true)
  expect(await json(`'{"a": [1, 2]}'`, `'{"a":[1,2]}'`)).toBe(true)
  expect(await json(`'{"a": 1}'`, `'{"a": 2}'`)).toBe(false)
  expect(await json(`'{'`, `'{'`)).toBe(true)
  expect(await json('NULL', `'null'`)).toBe(false)
})
