/** Bronze and its source compared by SQL on both sides and this program between them, with nothing of `verify`. */
import { createHash } from 'node:crypto'
import { sql } from '../../../packages/tidemark/src/engine/sql.ts'
import type { EntryOverrides, World } from '../../support/world.ts'
import type { Item } from './model.ts'
import type { Kind, TextRow } from './source.ts'

export const SALT = 'a salt of more than 16 characters'

const sha256 = (what: string): string => createHash('sha256').update(what).digest('hex')

/** What differs, in words; empty when bronze is what the source is, for an entry. */
export async function differences(item: Item, world: World, entry: EntryOverrides): Promise<string[]> {
  const name = entry.name ?? entry.table
  const expected = await sourceRows(item, entry)
  const entries = await world.bronze(name, sql`k, _seq`)
  const inLake = new Set(Object.keys(entries[0] ?? {}))
  const newest = new Map(entries.map(row => [String(row['k']), row]))
  const live = new Map([...newest].filter(([, row]) => row['_op'] === 'upsert'))
  const found = repeated(entries, item.kind.versions)
  for (const [key, row] of expected) {
    const at = live.get(key)
    if (at === undefined) found.push(`${name}: ${key} is lost`)
    else found.push(...differing(row, at, { entry, inLake }).map(column => `${name}: ${key} is stale in ${column}`))
  }
  const ghosts = [...live.keys()].filter(key => !expected.has(key))
  if (entry.deletes !== 'ignore') found.push(...ghosts.map(key => `${name}: ${key} is a ghost`))
  return found
}

/** Rows of the source by key, each value as the text that bronze should have. */
async function sourceRows({ kind, database, columns }: Item, entry: EntryOverrides): Promise<Map<string, TextRow>> {
  const { filter, masks = {}, columns: only, excludeColumns = [] } = entry
  const isRead = (name: string): boolean => (only?.includes(name) ?? true) && !excludeColumns.includes(name)
  const read = columns.map(column => column.name).filter(isRead)
  const list = ['k', ...read].map(name => `${kind.text(name)} AS ${name}`)
  const rows = await database.rows(
    `SELECT ${list.join(', ')} FROM item${filter === undefined ? '' : ` WHERE ${filter}`}`,
  )
  const masked = (name: string, value: string | null | undefined): string | null => {
    if (value === null || value === undefined || masks[name] === 'null') return null
    return masks[name] === 'hash' ? sha256(`${sha256(SALT)}:${value}`) : value
  }
  return new Map(
    rows.map(row => [String(row['k']), Object.fromEntries(read.map(name => [name, masked(name, row[name])]))]),
  )
}

/** Columns whose value is neither where it belongs nor among those that are rescued. */
function differing(
  row: TextRow,
  lake: Readonly<Record<string, unknown>>,
  { entry, inLake }: { entry: EntryOverrides; inLake: ReadonlySet<string> },
): string[] {
  const kept = lake['_rescued_data']
  const rescued = (typeof kept === 'string' ? JSON.parse(kept) : {}) as TextRow
  return Object.entries(row).flatMap(([name, value]) => {
    if (entry.drift === 'none' && !inLake.has(name)) return []
    const there = rescued[name] ?? lake[name] ?? null
    const has = there === null ? null : String(there)
    return has === value ? [] : [`${name}: ${JSON.stringify(value)} is ${JSON.stringify(has)}`]
  })
}

/** Entries of a key that say what the one before it says, or stand at its place. */
function repeated(entries: readonly Readonly<Record<string, unknown>>[], versions: Kind['versions']): string[] {
  return entries.flatMap((row, n) => {
    const before = entries[n - 1]
    if (before === undefined || before['k'] !== row['k']) return []
    if (before['_seq'] === row['_seq']) return [`${String(row['k'])} stands twice at ${String(row['_seq'])}`]
    const [said, says] = [before, row].map(one => saidBy(one, versions))
    return said === says ? [`${String(row['k'])} was read twice: ${String(says)}`] : []
  })
}

/** What an entry says of its row; a version that is made of the row says nothing more. */
function saidBy(entry: Readonly<Record<string, unknown>>, versions: Kind['versions']): string {
  const { _seq, _run_id, _ingested_at, _row_version, ...row } = entry
  const said = versions === 'of the server' ? { ...row, _row_version } : row
  return JSON.stringify(said, (_key, value: unknown) => (typeof value === 'bigint' ? value.toString() : value))
}
