/**
 * Drift: what the columns of a source have become since bronze was written, and what the entry's `drift` makes of that. Pure:
 * a table and the schema of its bronze table go in; columns to read, the lake's columns and the schema after come out.
 */
import { evolve, printType, type StructField, type StructType } from '@tidemark/delta'
import { ident, sql } from '../engine/sql.ts'
import { toDuckType } from '../engine/types.ts'
import { COLUMN_DRIFT } from '../errors/drift.ts'
import { COLUMN_RESERVED } from '../errors/ingest.ts'
import type { SourceColumn } from '../sources/source.ts'
import { bronzeSchema } from './bronze-schema.ts'
import { type Fated, fateOf, isElsewhere, tellFate } from './fate.ts'
import { type LakeColumn, oneForOne } from './lake-columns.ts'
import { driftedSettings } from './mark.ts'
import { isRescueField, RESCUED, RESCUED_FIELD, type Rescuable, rescuedColumn } from './rescue.ts'
import { isSystemColumn } from './system-columns.ts'
import type { ExtractTable } from './work.ts'

/** A table as its rows go into bronze. `columns` are those that are read, some of them as text. */
export type Fitted<T extends ExtractTable = ExtractTable> = T & {
  /** The columns that rows carry, in the order of `columns`, and `_rescued_data` where the table has it. */
  lake: readonly LakeColumn[]
  /** Schema of bronze after the commit; the very one it has when nothing changes. */
  schema: StructType
  /** `_rescued_data` is among them, and is ours. */
  keepsRescued: boolean
  /** Types grow, which the table has to agree to. */
  widens: boolean
  /** For people, one line for each column that is not as it was. */
  drifts: readonly string[]
}

/**
 * Fit a table to bronze as it is now; undefined before its first load, which takes every column as it is.
 *
 * @throws {COLUMN_DRIFT} the entry says to stop
 * @throws {KEY_RETYPED} the key or cdc_col has another type
 * @throws {COLUMN_RESERVED} {COLUMN_NAMES_COLLIDE} a name cannot be used
 */
export function fitToBronze<T extends ExtractTable>(wanted: T, current: StructType | undefined): Fitted<T> {
  const { fields } = bronzeSchema(wanted.table, wanted.columns)
  if (current === undefined) {
    const schema: StructType = { type: 'struct', fields }
    return { ...wanted, lake: oneForOne(wanted.columns), schema, keepsRescued: false, widens: false, drifts: [] }
  }
  const fated = wanted.columns.map((column, n) => fateOf(wanted, column, fields[n] as StructField, current))
  const gone = goneColumns(wanted, fields, current)
  refuseStopped(wanted, fated, gone)
  const rescuable = fated.flatMap(rescuableOf)
  const keepsRescued = rescuable.length > 0 || current.fields.some(isRescueField)
  const own = fields.find(({ name }) => name.toLowerCase() === RESCUED)
  if (keepsRescued && own !== undefined) {
    throw COLUMN_RESERVED({ table: `${wanted.table.schema}.${wanted.table.table}`, column: own.name })
  }
  const elsewhere = fated.filter(({ fate }) => isElsewhere(fate))
  return {
    ...wanted,
    columns: fated.flatMap(readAs),
    lake: [...fated.flatMap(lakeColumn), ...(keepsRescued ? [rescuedColumn(rescuable)] : [])],
    schema: schemaAfter(current, fated, keepsRescued),
    settings: driftedSettings(
      wanted.settings,
      elsewhere.map(({ column, fate }) => `${column.name}: ${fate.kind}`),
    ),
    keepsRescued,
    widens: fated.some(({ fate }) => fate.kind === 'grows'),
    drifts: [
      ...fated.flatMap(tellFate),
      ...gone.map(name => `${name} is gone in the source: it stays, NULL in new rows`),
    ],
  }
}

/** Columns of bronze that neither the source has nor the entry leaves out. */
function goneColumns({ isLeftOut }: ExtractTable, fields: readonly StructField[], current: StructType): string[] {
  const known = new Set(fields.map(({ name }) => name.toLowerCase()))
  return current.fields.flatMap(field => {
    const isOurs = isSystemColumn(field.name) || isRescueField(field)
    return isOurs || known.has(field.name.toLowerCase()) || isLeftOut(field.name) ? [] : [field.name]
  })
}

function refuseStopped({ name: table, drift }: ExtractTable, fated: readonly Fated[], gone: readonly string[]): void {
  const stopped = fated.flatMap(({ column, before, fate }) => {
    if (fate.kind !== 'stops') return []
    return [
      before === undefined ? `${column.name} is new` : `${column.name} was ${before} and is now ${column.deltaType}`,
    ]
  })
  const changes = [...stopped, ...(drift === 'failOnNewColumns' ? gone.map(name => `${name} is gone`) : [])]
  if (changes.length === 0) return
  throw COLUMN_DRIFT({ table, changes: changes.join('; '), drift }, { state: 'Nothing was written.' })
}

function readAs({ column, fate }: Fated): SourceColumn[] {
  if (fate.kind === 'not read') return []
  return 'text' in fate ? [fate.text] : [column]
}

function lakeColumn({ column, fate }: Fated): LakeColumn[] {
  if (!('field' in fate)) return []
  const { name } = fate.field
  const type = printType(fate.field.type)
  const read = ident(column.name)
  switch (fate.kind) {
    case 'every value fits':
      return [{ name, type, value: sql`CAST(${read} AS ${toDuckType(type)})` }]
    case 'what does not fit is rescued':
      return [{ name, type, value: fate.fits }]
    default:
      return [{ name, type, value: read }]
  }
}

function rescuableOf({ column, fate }: Fated): Rescuable[] {
  const value = ident(column.name)
  if (fate.kind === 'rescued') return [{ column: column.name, value, unless: undefined }]
  if (fate.kind !== 'what does not fit is rescued') return []
  return [{ column: column.name, value, unless: sql`${fate.fits} IS NOT NULL` }]
}

function schemaAfter(current: StructType, fated: readonly Fated[], keepsRescued: boolean): StructType {
  const changed = fated.flatMap(({ fate }) => (fate.kind === 'added' || fate.kind === 'grows' ? [fate.field] : []))
  const isNew = keepsRescued && !current.fields.some(isRescueField)
  const fields = isNew ? [...changed, RESCUED_FIELD] : changed
  if (fields.length === 0) return current
  const evolution = evolve(current, { type: 'struct', fields }, { widenTypes: true })
  if (evolution.kind === 'compatible') return evolution.schema
  throw new TypeError(
    `this is a bug in tidemark: bronze cannot evolve: ${evolution.drifts.map(d => d.column).join(', ')}`,
  )
}
