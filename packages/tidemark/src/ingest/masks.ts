/**
 * Masks: values that are changed where segments are read, before anything else sees them. Whatever follows, as comparisons,
 * files, statistics and messages, knows the masked values only.
 */
import { createHash } from 'node:crypto'
import { sql, text } from '../engine/sql.ts'
import { toDuckType } from '../engine/types.ts'
import { CONFIG_CONFLICT } from '../errors/config.ts'
import { MASK_NEEDS_SALT, MASK_REFUSED, MASKED_ROWS_FAILED } from '../errors/mask.ts'
import { Problem } from '../errors/problem.ts'
import type { Mask, TableEntry } from '../model/project.ts'
import { findColumn } from '../sources/find-column.ts'
import type { SourceColumn, SourceTable } from '../sources/source.ts'
import type { Needed } from './select-columns.ts'

type Masked = Pick<TableEntry, 'source' | 'masks' | 'places' | 'place'>

/** A shorter salt can be guessed together with the values. */
const SHORTEST_SALT = 16

export interface Masking {
  /** Exact names in the source. */
  masks: ReadonlyMap<string, Mask>
  /** Hexadecimal digits that stand before each value that is hashed; made of the salt, so that no statement holds it. */
  key: string
  /** What the masks are, for comparing one run with another; undefined without any. It does not tell the salt. */
  settings: readonly (readonly string[])[] | undefined
}

/**
 * The masks of an entry.
 *
 * @param salt the secret of the source; undefined when it has none
 * @throws {SOURCE_COLUMN_MISSING} a name fits no column
 * @throws {MASK_NEEDS_SALT} values are to be hashed, and the salt is missing or short
 */
export function findMasks(entry: Masked, table: SourceTable, salt: () => string | undefined): Masking {
  const place = entry.places['masks'] ?? entry.place
  const found = Object.entries(entry.masks).map(([name, mask]): [string, Mask] => {
    return [findColumn(entry.source, table, name, { place }).name, mask]
  })
  const twice = found.find(([name], n) => found.findIndex(([other]) => other === name) < n)
  if (twice !== undefined) {
    const reason = `\`masks\` names column ${twice[0]} twice`
    throw CONFIG_CONFLICT({ reason, hint: 'Keep one mask for each column.' }, { place })
  }
  if (found.length === 0) return { masks: new Map(), key: '', settings: undefined }
  const names = found.map(([name, mask]) => [name, mask]).sort(([a = ''], [b = '']) => (a < b ? -1 : 1))
  if (!found.some(([, mask]) => mask === 'hash')) return { masks: new Map(found), key: '', settings: names }
  const secret = salt()
  const named = { table: `${table.schema}.${table.table}`, source: entry.source }
  if (secret === undefined) throw MASK_NEEDS_SALT({ ...named, reason: 'the source has no salt' }, { place })
  if (secret.length < SHORTEST_SALT) {
    throw MASK_NEEDS_SALT({ ...named, reason: `its salt is shorter than ${SHORTEST_SALT} characters` }, { place })
  }
  const key = sha256(secret)
  return { masks: new Map(found), key, settings: [...names, ['key', sha256(`settings ${key}`)]] }
}

/**
 * Refuse a mask on what rows are told apart or found by.
 *
 * @throws {MASK_REFUSED}
 */
export function assertUnmasked(entry: Masked, table: SourceTable, { masks }: Masking, needed: readonly Needed[]): void {
  const wrong = needed.find(({ column }) => masks.has(column))
  if (wrong === undefined) return
  throw MASK_REFUSED(
    { table: `${table.schema}.${table.table}`, ...wrong },
    { place: entry.places['masks'] ?? entry.place },
  )
}

/** The columns with their masks, which are applied to what the source's own reading gives. */
export function maskColumns(
  columns: readonly SourceColumn[],
  described: readonly SourceColumn[],
  masking: Masking,
): readonly SourceColumn[] {
  return columns.map(column => {
    const mask = masking.masks.get(column.name)
    return mask === undefined ? column : masked(column, mask, masking.key, described)
  })
}

/**
 * An error of the engine about rows with masked columns, without its words: they may hold a row as the source sent it, or
 * the statement with the key. A Problem is our own words and passes.
 */
export function withoutValues(error: unknown, columns: readonly SourceColumn[]): unknown {
  if (error instanceof Problem || !columns.some(column => column.masked === true)) return error
  const kind = error instanceof Error ? /^[A-Z][A-Za-z]*(?: [A-Za-z]+)? Error(?=:)/.exec(error.message)?.[0] : undefined
  return MASKED_ROWS_FAILED({ reason: kind ?? 'an error' }, { state: 'Nothing was written.' })
}

function masked(column: SourceColumn, mask: Mask, key: string, described: readonly SourceColumn[]): SourceColumn {
  const shared = { ...column, orderable: false, nullable: true, masked: true as const, note: `masked: ${mask}` }
  switch (mask) {
    case 'hash':
      return { ...shared, decode: csv => sql`sha256(${text(`${key}:`)} || ${column.decode(csv)})` }
    case 'partial':
      // Of a short value no more than half is kept.
      return {
        ...shared,
        decode: csv => {
          const value = column.decode(csv)
          return sql`('***' || right(${value}, least(4, length(${value}) // 2)))`
        },
      }
    case 'null': {
      const deltaType = described.find(({ name }) => name === column.name)?.deltaType ?? column.deltaType
      return { ...shared, deltaType, decode: () => sql`CAST(NULL AS ${toDuckType(deltaType)})` }
    }
  }
}

function sha256(value: string): string {
  return createHash('sha256').update(value).digest('hex')
}
