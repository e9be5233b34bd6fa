/**
 * Type widening: which types a column may grow into without its files being rewritten, and the record of it that the
 * schema keeps (Delta protocol, "Type Widening").
 */
import { parseDecimal, type StructField, type StructType } from './schema.ts'
import { walkTypes } from './walk.ts'

/** One change of type. `fieldPath` leads from the column to the inside of a list or map; left out for the column itself. */
export interface TypeChange {
  readonly fromType: string
  readonly toType: string
  readonly fieldPath?: string
}

/** Where a column's metadata keeps the types it had. */
export const TYPE_CHANGES = 'delta.typeChanges'

/** Integers by width, and the decimal digits that hold each. */
const INTEGERS = ['byte', 'short', 'integer', 'long']

/**
 * True when every value of `from` is one of `to`, and readers of the feature know how to read the one as the other.
 *
 * @example
 * ```ts
 * console.log([isWidening('integer', 'long'), isWidening('long', 'integer')]) // [ true, false ]
 * ```
 */
export function isWidening(from: string, to: string): boolean {
  const integer = INTEGERS.indexOf(from)
  const decimal = parseDecimal(to)
  if (decimal) {
    const held = integer >= 0 ? { precision: from === 'long' ? 20 : 10, scale: 0 } : parseDecimal(from)
    return held !== undefined && from !== to && isWiderDecimal(held, decimal)
  }
  if (from === 'float' || (integer >= 0 && from !== 'long')) {
    if (to === 'double') return true
  }
  if (from === 'date') return to === 'timestamp_ntz'
  return integer >= 0 && INTEGERS.indexOf(to) > integer
}

interface Decimal {
  precision: number
  scale: number
}

/** Neither the digits before the point nor those after it become fewer. */
function isWiderDecimal(from: Decimal, to: Decimal): boolean {
  return to.scale >= from.scale && to.precision - to.scale >= from.precision - from.scale
}

/** The field with these changes added to those it keeps already. */
export function recordTypeChanges(field: StructField, changes: readonly TypeChange[]): StructField {
  if (changes.length === 0) return field
  const before = typeChangesOf(field)
  return { ...field, metadata: { ...field.metadata, [TYPE_CHANGES]: [...before, ...changes] } }
}

/** The first change of type in a schema that is none of these, with the column; undefined when there is none. */
export function findUnknownChange(schema: StructType): (TypeChange & { readonly column: string }) | undefined {
  for (const { place, field } of walkTypes(schema)) {
    const change =
      field && typeChangesOf(field).find(({ fromType: from, toType: to }) => from !== to && !isWidening(from, to))
    if (change !== undefined) return { ...change, column: place }
  }
  return undefined
}

/** The changes of type a column has been through, oldest first. */
export function typeChangesOf(field: StructField): readonly TypeChange[] {
  const changes = field.metadata[TYPE_CHANGES]
  return Array.isArray(changes) ? (changes as TypeChange[]) : []
}
