/**
 * The schema a table will have after a change, with ids and physical names for new columns where the table maps them.
 * Whoever writes files for the change asks here first, so that the files have the names that the commit will promise.
 */
import { createHash } from 'node:crypto'
import { DeltaError } from '../errors.ts'
import { assignColumnMapping, columnMappingOf, MAX_COLUMN_ID, withoutMapping } from '../schema/column-mapping.ts'
import { evolve, printType } from '../schema/evolve.ts'
import { printSchema, type StructField, type StructType } from '../schema/schema.ts'
import { isActive } from '../snapshot/protocol.ts'
import type { Snapshot } from '../snapshot/snapshot.ts'

/**
 * The snapshot's schema evolved to `wanted`; throws SCHEMA_INCOMPATIBLE with every drift.
 *
 * @example
 * ```ts
 * const wanted: StructType = { type: 'struct', fields: [...people.schema.fields, field('city', 'string')] }
 * console.log(evolvedSchema(people, wanted).fields.map(({ name }) => name)) // [ 'id', 'name', 'city' ]
 * ```
 */
export function evolvedSchema(snapshot: Snapshot, wanted: StructType | undefined): StructType {
  if (wanted === undefined) return snapshot.schema
  const widenTypes = isActive('typeWidening', snapshot)
  const evolution = evolve(snapshot.schema, withoutMapping(wanted), { widenTypes })
  if (evolution.kind === 'compatible') return mapped(snapshot, evolution.schema)
  const { tablePath } = snapshot
  const { drifts } = evolution
  const list = drifts.map(d => `${d.column} (${d.reason}: ${d.current ?? 'none'} → ${d.wanted})`).join(', ')
  throw new DeltaError('SCHEMA_INCOMPATIBLE', `The schema of ${tablePath} cannot evolve: ${list}.`, {
    tablePath,
    drifts,
  })
}

/**
 * The schema of a table whose rows are all replaced: `wanted`, where columns that stay the same stay themselves.
 *
 * @example
 * ```ts
 * const wanted: StructType = { type: 'struct', fields: [field('city', 'string')] }
 * console.log(replacedSchema(people, wanted).fields.map(({ name }) => name)) // [ 'city' ]
 * ```
 */
export function replacedSchema(snapshot: Snapshot, wanted: StructType | undefined): StructType {
  if (wanted === undefined) return snapshot.schema
  const plain = withoutMapping(wanted)
  if (columnMappingOf(snapshot) === 'none') return plain
  const known = new Map(snapshot.schema.fields.map(f => [sameness(f), f]))
  const fields = plain.fields.map(f => {
    const old = known.get(sameness(f))
    return old === undefined ? f : { ...old, nullable: f.nullable }
  })
  return mapped(snapshot, { type: 'struct', fields })
}

/**
 * The schema with ids and physical names for its new columns. Names are made of what is asked for, so asking twice gives
 * the same names, and two writers who add different columns at once never give one name to both.
 */
export function newlyMapped(
  schema: StructType,
  table: { id: string; maxColumnId: number | undefined },
): { schema: StructType; maxColumnId: number } {
  const seed = `${table.id} ${table.maxColumnId ?? 0} ${printSchema(schema)}`
  let count = 0
  return assignColumnMapping(schema, {
    maxColumnId: table.maxColumnId,
    names: {
      uuid: () =>
        createHash('sha256')
          .update(`${seed} ${(count += 1)}`)
          .digest('hex')
          .slice(0, 32),
    },
  })
}

/** The highest column id that a table's settings tell of. */
export function maxColumnIdOf(configuration: Readonly<Record<string, string>>): number | undefined {
  const max = configuration[MAX_COLUMN_ID]
  return max === undefined ? undefined : Number(max)
}

function mapped(snapshot: Snapshot, schema: StructType): StructType {
  if (columnMappingOf(snapshot) === 'none') return schema
  const { metaData, configuration } = snapshot
  return newlyMapped(schema, { id: metaData.id, maxColumnId: maxColumnIdOf(configuration) }).schema
}

function sameness({ name, type }: StructField): string {
  return `${name.toLowerCase()} ${printType(type)}`
}
