/** Aggregates and window functions of the portable subset, with Spark's result types; the documented list, as data. */
import { raw, type Sql, sql } from '../../../engine/sql.ts'
import type { Builder } from './arithmetic.ts'
import type { Typed } from './cast.ts'
import { duckdbType, isFractional, isIntegral, isOpen, type LakeType, printType, simple } from './type.ts'

export interface AggregateFunction {
  name: string
  signature: string
  meaning: string
  /** Fewest and most arguments. */
  arity: readonly [number, number]
  /** `call` prints the function over a prepared argument, with DISTINCT, FILTER or OVER where they are written. */
  build(args: readonly Typed[], call: (name: string, argument: Sql) => Sql, b: Builder): Typed
}

const first = (args: readonly Typed[]): Typed => args[0] ?? { sql: raw('NULL'), type: { kind: 'null' } }
const long = simple('long')

function sum(args: readonly Typed[], call: (name: string, argument: Sql) => Sql, b: Builder): Typed {
  const value = first(args)
  const type = sumType(value.type)
  if (!type) return b.mistyped(`sum of ${printType(value.type)}`)
  if (isOpen(value.type) || isFractional(value.type)) {
    return { sql: call('sum', b.as(value, simple('double')).sql), type }
  }
  // DuckDB adds in 128 bits; the cast makes the overflow an error.
  return { sql: sql`CAST(${call('sum', value.sql)} AS ${duckdbType(type)})`, type }
}

function sumType(type: LakeType): LakeType | undefined {
  if (isIntegral(type)) return long
  if (type.kind === 'decimal') return { ...type, precision: Math.min(38, type.precision + 10) }
  return isFractional(type) || isOpen(type) ? simple('double') : undefined
}

function avg(args: readonly Typed[], call: (name: string, argument: Sql) => Sql, b: Builder): Typed {
  const value = first(args)
  if (value.type.kind === 'decimal') return b.refuse('the average of a decimal; CAST it AS DOUBLE')
  if (!isIntegral(value.type) && !isFractional(value.type) && !isOpen(value.type)) {
    return b.mistyped(`avg of ${printType(value.type)}`)
  }
  return {
    sql: call('avg', isIntegral(value.type) ? value.sql : b.as(value, simple('double')).sql),
    type: simple('double'),
  }
}

function extreme(name: 'min' | 'max'): AggregateFunction {
  return {
    name,
    signature: `${name}(value)`,
    meaning: `The ${name === 'min' ? 'smallest' : 'largest'} value that is not NULL.`,
    arity: [1, 1],
    build: (args, call) => ({ sql: call(name, first(args).sql), type: first(args).type }),
  }
}

export const AGGREGATE_FUNCTIONS: readonly AggregateFunction[] = [
  {
    name: 'count',
    signature: 'count(*), count([DISTINCT] value)',
    meaning: 'Number of rows, or of values that are not NULL, a BIGINT.',
    arity: [1, 1],
    build: (args, call) => ({ sql: call('count', first(args).sql), type: long }),
  },
  {
    name: 'sum',
    signature: 'sum([DISTINCT] number)',
    meaning: 'BIGINT for integers, an error on overflow; decimal(min(38, p + 10), s) for decimals; DOUBLE for others.',
    arity: [1, 1],
    build: sum,
  },
  {
    name: 'avg',
    signature: 'avg([DISTINCT] number)',
    meaning: 'A DOUBLE; decimals are to be cast.',
    arity: [1, 1],
    build: avg,
  },
  extreme('min'),
  extreme('max'),
]

/** Functions that exist only over a window; aggregates may have one too. */
export const WINDOW_FUNCTIONS: Readonly<Record<string, { name: string; signature: string; meaning: string }>> = {
  WINDOW_ROW_NUMBER: {
    name: 'row_number',
    signature: 'row_number() OVER (…)',
    meaning: 'The row’s number from 1, an INT.',
  },
  WINDOW_RANK: { name: 'rank', signature: 'rank() OVER (…)', meaning: 'The rank, with gaps after ties, an INT.' },
  WINDOW_RANK_DENSE: {
    name: 'dense_rank',
    signature: 'dense_rank() OVER (…)',
    meaning: 'The rank without gaps, an INT.',
  },
  WINDOW_LAG: { name: 'lag', signature: 'lag(value [, n]) OVER (…)', meaning: 'The value n rows before, or NULL.' },
  WINDOW_LEAD: { name: 'lead', signature: 'lead(value [, n]) OVER (…)', meaning: 'The value n rows after, or NULL.' },
}
