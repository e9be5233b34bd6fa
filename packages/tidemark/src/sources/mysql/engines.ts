/**
 * Which relations take part in a snapshot: InnoDB's, and views that read nothing else. What cannot be seen is not
 * promised.
 */
import { type TableRef, tableKey } from '../source.ts'
import { catalogStatement, TABLES, VIEWS } from './catalog.ts'
import type { MysqlSession } from './session.ts'

/** Tables named after FROM or JOIN in the server's own rendering of a view. */
const REFERENCE = /(?:from|join)\s*\(*`((?:[^`]|``)+)`\.`((?:[^`]|``)+)`/gi
const DEEPEST_VIEW = 16

export class EngineLookup {
  readonly #session: MysqlSession
  readonly #signal: AbortSignal
  readonly #known = new Map<string, { engine: string | undefined; type: string | undefined }>()

  constructor(session: MysqlSession, signal: AbortSignal) {
    this.#session = session
    this.#signal = signal
  }

  /** Why a table's rows are not part of the snapshot; undefined when they are. */
  tableOutside(engine: string): string | undefined {
    if (engine.toLowerCase() === 'innodb') return undefined
    return `its engine ${engine === '' ? 'is unknown and' : engine} takes no part in a snapshot`
  }

  /** The same for a view, by what it reads, views behind it included. */
  async viewOutside(view: TableRef, definition: string, depth = 0): Promise<string | undefined> {
    const name = `${view.schema}.${view.table}`
    if (definition === '') return `what the view ${name} reads is hidden: GRANT SHOW VIEW ON it`
    if (depth > DEEPEST_VIEW) return `the view ${name} reads too many views one behind the other`
    for (const [, schema = '', table = ''] of definition.matchAll(REFERENCE)) {
      const ref = { schema: schema.replaceAll('``', '`'), table: table.replaceAll('``', '`') }
      const { engine, type } = await this.#look(ref)
      const outside =
        type === 'VIEW'
          ? await this.viewOutside(ref, await this.#definitionOf(ref), depth + 1)
          : type === undefined
            ? `the view ${name} reads ${ref.schema}.${ref.table}, which this user cannot see`
            : this.tableOutside(engine ?? '')
      if (outside !== undefined) return outside
    }
    return undefined
  }

  async #look(ref: TableRef): Promise<{ engine: string | undefined; type: string | undefined }> {
    const known = this.#known.get(tableKey(ref))
    if (known !== undefined) return known
    const [row] = await this.#session.query(catalogStatement(TABLES, ref.schema, [ref.table]), this.#signal)
    const found = { engine: row?.['engine'] ?? undefined, type: row?.['type'] ?? undefined }
    this.#known.set(tableKey(ref), found)
    return found
  }

  async #definitionOf(ref: TableRef): Promise<string> {
    const [row] = await this.#session.query(catalogStatement(VIEWS, ref.schema, [ref.table]), this.#signal)
    return row?.['definition'] ?? ''
  }
}
