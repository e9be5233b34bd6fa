/** Functions that choose among values of one type: the first, the least, the greatest, or none. */
import { join, raw, sql } from '../../../engine/sql.ts'
import { type Builder, compare, unify } from './arithmetic.ts'
import type { Typed } from './cast.ts'
import { arg, type PortableFunction, typed } from './function.ts'
import { commonTypeOfLike } from './type.ts'

function extreme(name: 'greatest' | 'least'): PortableFunction {
  const build = (args: readonly Typed[], b: Builder): Typed => {
    const { values, type } = unify(args, b, commonTypeOfLike)
    return typed(sql`${raw(name)}(${join(values.map(v => v.sql))})`, type)
  }
  const meaning = `The ${name} of the values that are not NULL; NULL when all are.`
  return { name, signature: `${name}(value, value, …)`, meaning, arity: [2, 100], build }
}

export function coalesce(args: readonly Typed[], b: Builder): Typed {
  const { values, type } = unify(args, b)
  return typed(sql`coalesce(${join(values.map(v => v.sql))})`, type)
}

const ifNull = (name: string): PortableFunction => ({
  name,
  signature: `${name}(value, otherwise)`,
  meaning: 'The first of the two that is not NULL.',
  arity: [2, 2],
  build: coalesce,
})

export const CHOICE_FUNCTIONS: readonly PortableFunction[] = [
  ifNull('ifnull'),
  ifNull('nvl'),
  {
    name: 'nullif',
    signature: 'nullif(value, other)',
    meaning: 'NULL when the two are equal, else the value.',
    arity: [2, 2],
    build: (a, b) => {
      const equal = compare(raw('='), arg(a, 0), arg(a, 1), b)
      return typed(sql`CASE WHEN ${equal.sql} THEN NULL ELSE ${arg(a, 0).sql} END`, arg(a, 0).type)
    },
  },
  extreme('greatest'),
  extreme('least'),
]
