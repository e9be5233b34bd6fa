/**
 * The closed list of functions, as data: what each means in Spark 4 (ANSI) and the DuckDB expression that means the
 * same. docs/reference/portable-sql.md is printed from it. A function is here only when its values agree exactly.
 */
import { CHOICE_FUNCTIONS } from './choice-functions.ts'
import type { PortableFunction } from './function.ts'
import { NUMBER_FUNCTIONS } from './number-functions.ts'
import { TEXT_FUNCTIONS } from './text-functions.ts'
import { TIME_FUNCTIONS } from './time-functions.ts'

/** Scalar functions of the portable subset. CASE, CAST, COALESCE and operators are in expression.ts. */
export const SCALAR_FUNCTIONS: readonly PortableFunction[] = [
  ...TEXT_FUNCTIONS,
  ...CHOICE_FUNCTIONS,
  ...NUMBER_FUNCTIONS,
  ...TIME_FUNCTIONS,
]
