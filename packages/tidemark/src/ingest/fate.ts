/**
 * What becomes of one column of the source whose place in bronze is not as it was, by the entry's `drift`. The words are
 * Auto Loader's, and a value is never dropped for having no place.
 */
import { isWidening, printType, type StructField, type StructType } from '@tidemark/delta'
import { ident, type Sql } from '../engine/sql.ts'
import { KEY_RETYPED } from '../errors/drift.ts'
import type { SourceColumn } from '../sources/source.ts'
import { RESCUED } from './rescue.ts'
import { strictly, type Written } from './strict-read.ts'
import type { ExtractTable } from './work.ts'

/** What becomes of one column of the source; `text` is how it is read, where that is not as it stands. */
export type Fate =
  | { kind: 'as it is' | 'added' | 'grows' | 'every value fits'; field: StructField }
  | { kind: 'text'; field: StructField; text: SourceColumn }
  /** `fits` is the value over `text`, NULL where it does not fit. */
  | { kind: 'what does not fit is rescued'; field: StructField; text: SourceColumn; fits: Sql }
  | { kind: 'rescued'; text: SourceColumn }
  | { kind: 'not read' }
  | { kind: 'stops' }

export interface Fated {
  column: SourceColumn
  /** Type it has in bronze; undefined for a new column. */
  before: string | undefined
  fate: Fate
}

/** Fates by which values are not in a column of their own: another `drift` reads them anew. */
const ELSEWHERE: readonly Fate['kind'][] = ['what does not fit is rescued', 'rescued', 'not read']

/** True when values of the column may be somewhere else than in a column of their own, or nowhere. */
export function isElsewhere(fate: Fate): boolean {
  return ELSEWHERE.includes(fate.kind)
}

/**
 * Decide about one column.
 *
 * @throws {KEY_RETYPED}
 */
export function fateOf(wanted: ExtractTable, column: SourceColumn, described: StructField, current: StructType): Fated {
  const { drift } = wanted
  const field = current.fields.find(({ name }) => name.toLowerCase() === described.name.toLowerCase())
  if (field === undefined) return { column, before: undefined, fate: newColumn(wanted, column, described) }
  const before = printType(field.type)
  const fated = (fate: Fate): Fated => ({ column, before, fate })
  if (before === column.deltaType) return fated({ kind: 'as it is', field })
  const grows = drift === 'addNewColumnsWithTypeWidening' && isWidening(before, column.deltaType)
  if (!grows) refuseRetypedKey(wanted, column, before)
  if (drift === 'failOnNewColumns') return fated({ kind: 'stops' })
  if (grows) return fated({ kind: 'grows', field: { ...field, type: column.deltaType } })
  if (isWidening(column.deltaType, before)) return fated({ kind: 'every value fits', field })
  const text = wanted.asText(column)
  if (before === 'string') return fated({ kind: 'text', field, text })
  if (drift === 'none') return fated({ kind: 'stops' })
  const fits = strictly(ident(column.name), writtenAs(wanted, column), before)
  return fated({ kind: 'what does not fit is rescued', field, text, fits })
}

/** The type is that of the source itself, also where the entry carries the column as text. */
function writtenAs({ table, timezone }: ExtractTable, { name, deltaType }: SourceColumn): Written {
  return { from: table.columns.find(one => one.name === name)?.deltaType ?? deltaType, timezone }
}

function newColumn({ drift, asText }: ExtractTable, column: SourceColumn, field: StructField): Fate {
  switch (drift) {
    case 'addNewColumns':
    case 'addNewColumnsWithTypeWidening':
      return { kind: 'added', field }
    case 'rescue':
      return { kind: 'rescued', text: asText(column) }
    case 'failOnNewColumns':
      return { kind: 'stops' }
    case 'none':
      return { kind: 'not read' }
  }
}

/** Rows are told apart by the key and found by cdc_col: with another type they would be other rows. */
function refuseRetypedKey({ name: table, keys, cdcCol, drift }: ExtractTable, column: SourceColumn, was: string): void {
  const as = keys.includes(column.name) ? 'key' : cdcCol === column.name ? 'cdc_col' : undefined
  if (as === undefined) return
  const canGrow = isWidening(was, column.deltaType) && drift !== 'failOnNewColumns'
  const params = { table, column: column.name, as, was, is: column.deltaType, canGrow }
  throw KEY_RETYPED(params, { state: 'Nothing was written.' })
}

/** What `plan` says of a column that is not as it was. */
export function tellFate({ column: { name, deltaType }, before, fate }: Fated): string[] {
  switch (fate.kind) {
    case 'as it is':
    case 'stops':
      return []
    case 'added':
      return [`${name} is new: it is added`]
    case 'grows':
      return [`${name} was ${before} and is now ${deltaType}: its type grows`]
    case 'every value fits':
      return [`${name} is ${deltaType} in the source: it stays ${before}, which every value fits`]
    case 'text':
      return [`${name} is ${deltaType} in the source: it stays a text`]
    case 'what does not fit is rescued':
      return [`${name} was ${before} and is now ${deltaType}: values that do not fit go to ${RESCUED}`]
    case 'rescued':
      return [`${name} is new: its values go to ${RESCUED}`]
    case 'not read':
      return [`${name} is new: it is not read`]
  }
}
