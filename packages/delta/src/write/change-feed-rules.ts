/**
 * When a commit has to say row by row what it changed: a reader of the change feed takes added files for inserted rows
 * and removed files for deleted ones, which is wrong as soon as a row was copied from one file to another.
 */
import type { DataFile } from '../log/actions.ts'
import type { StructType } from '../schema/schema.ts'
import { isActive, refused } from '../snapshot/protocol.ts'
import { type Staged, stageInvalid, type TableRules } from './staged.ts'

/** Where files of changed rows lie, by the protocol. */
const FOLDER = '_change_data/'

/** Columns that readers of the feed add to those of the table. */
const FEED_COLUMNS: readonly string[] = ['_change_type', '_commit_version', '_commit_timestamp']

/** Throw WRITE_REFUSED when a table with a change data feed has a column that the feed has too: neither could be told. */
export function checkFeedColumns(tablePath: string, rules: TableRules, schema: StructType): void {
  if (!isActive('changeDataFeed', rules)) return
  const own = schema.fields.find(({ name }) => FEED_COLUMNS.includes(name.toLowerCase()))
  if (own) throw refused(tablePath, `delta.enableChangeDataFeed is set, and the feed has a column ${own.name} itself`)
}

type Change = Pick<Staged, 'remove' | 'dataChange'> & { readonly add: readonly Pick<DataFile, 'path'>[] }

/**
 * True when a change of a table with the change data feed needs files of its changes, unless whoever makes it knows that
 * no row was copied. Only adding and only removing need none, nor does a file that stays with another deletion vector.
 *
 * @example
 * ```ts
 * const fed = { protocol: people.protocol, configuration: { 'delta.enableChangeDataFeed': 'true' } }
 * const [file] = people.files.values()
 * console.log(file && needsChangeFiles(fed, { add: [file], remove: [], dataChange: true })) // false
 * ```
 */
export function needsChangeFiles(rules: TableRules, change: Change): boolean {
  if (!isActive('changeDataFeed', rules) || !change.dataChange) return false
  const [removed, added] = [change.remove, change.add].map(files => new Set(files.map(file => file.path)))
  if (removed === undefined || added === undefined) return false
  const rewritten = [...removed].some(path => !added.has(path))
  return rewritten && [...added].some(path => !removed.has(path))
}

/**
 * Throw WRITE_REFUSED when a change needs files of its changes and has none, STAGE_INVALID when it has some that do not
 * belong there.
 *
 * @param copiesNothing no row of a removed file is in an added one
 */
export function checkChangeFiles(
  tablePath: string,
  rules: TableRules,
  change: Change & { readonly cdc: readonly DataFile[]; readonly copiesNothing: boolean },
): void {
  const { cdc } = change
  if (cdc.length === 0) {
    if (change.copiesNothing || !needsChangeFiles(rules, change)) return
    throw refused(tablePath, 'delta.enableChangeDataFeed is set, and the change has no files with the changed rows')
  }
  if (!isActive('changeDataFeed', rules)) throw stageInvalid(tablePath, 'it has no change data feed')
  if (!change.dataChange) throw stageInvalid(tablePath, 'a change of no rows has files of changed rows')
  const stray = cdc.find(file => !file.path.startsWith(FOLDER))
  if (stray) throw stageInvalid(tablePath, `the changes in ${stray.path} do not lie in ${FOLDER}`)
}
