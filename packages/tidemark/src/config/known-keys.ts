/** The keys a schema allows at a path, for suggestions. Reads zod's own definition, so it cannot fall out of step. */
import type { z } from 'zod'
import type { Path } from './node.ts'

/** Allowed keys of the object at `path`; empty where any key is allowed or nothing is known. */
export function knownKeys(schema: z.ZodType, path: Path): string[] {
  const found = path.reduce<Definition[]>(
    (at, step) => at.flatMap(one => unwrap(one)).flatMap(one => descend(one, step)),
    [definitionOf(schema)],
  )
  return [...new Set(found.flatMap(unwrap).flatMap(one => Object.keys(one.shape ?? {})))]
}

/** The parts of zod's definitions that lead to inner schemas. */
interface Definition {
  shape?: Record<string, z.ZodType>
  element?: z.ZodType
  valueType?: z.ZodType
  innerType?: z.ZodType
  options?: readonly z.ZodType[]
}

function definitionOf(schema: z.ZodType): Definition {
  return schema._zod.def as Definition
}

/** Look through optional, nullable and unions. */
function unwrap(definition: Definition): Definition[] {
  const inner = definition.options ?? (definition.innerType === undefined ? [] : [definition.innerType])
  return inner.length === 0 ? [definition] : inner.map(definitionOf).flatMap(unwrap)
}

function descend(definition: Definition, step: string | number): Definition[] {
  const inner =
    typeof step === 'number'
      ? definition.element
      : (definition.shape?.[step] ?? definition.valueType ?? definition.element)
  return inner === undefined ? [] : [definitionOf(inner)]
}
