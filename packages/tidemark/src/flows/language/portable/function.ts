/** What a function of the portable subset is, and how one is put together. */
import { raw, type Sql, sql } from '../../../engine/sql.ts'
import type { Builder } from './arithmetic.ts'
import type { Typed } from './cast.ts'
import { type LakeType, simple } from './type.ts'

export interface PortableFunction {
  name: string
  /** As documentation shows it. */
  signature: string
  /** What it gives, in Spark's terms; the edges included. */
  meaning: string
  /** Fewest and most arguments. */
  arity: readonly [number, number]
  build(args: readonly Typed[], b: Builder): Typed
}

export const STRING: LakeType = simple('string')
export const INTEGER: LakeType = simple('integer')

export function arg(args: readonly Typed[], i: number): Typed {
  return args[i] ?? { sql: raw('NULL'), type: { kind: 'null' } }
}

export function asText(args: readonly Typed[], i: number, b: Builder): Sql {
  return b.as(arg(args, i), STRING).sql
}

export function asInt(args: readonly Typed[], i: number, b: Builder): Sql {
  return b.as(arg(args, i), INTEGER).sql
}

export function typed(made: Sql, type: LakeType): Typed {
  return { sql: made, type }
}

export function int(made: Sql): Typed {
  return typed(sql`CAST(${made} AS INTEGER)`, INTEGER)
}
