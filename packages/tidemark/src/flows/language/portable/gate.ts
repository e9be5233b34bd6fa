/**
 * The gate for SQL in DuckDB's own dialect: one SELECT over tables of the lake, no table function, no file. Names are
 * found in the syntax tree and replaced in the text, so everything else stays as the user wrote it.
 */
import type { Problem } from '../../../errors/problem.ts'
import { QUERY_REFUSED } from '../../../errors/flow.ts'
import { checked, ident, type Sql, sql } from '../../../engine/sql.ts'
import { children, isNode, type Json, type Node, str, itemsOf } from './ast.ts'
import { isFileName } from './from.ts'
import type { Normalised } from './normalise.ts'

/** A table a query names, with the span of its name in the normalised text. */
export interface GatedTable {
  parts: readonly string[]
  location: number
  hasAlias: boolean
}

/** Functions that reach outside the query: settings, variables, sequences, files. */
const REACHING =
  /^(getenv|current_setting|getvariable|nextval|currval|read_.*|query|query_table|.*_scan|sniff_csv|glob|pragma_.*|duckdb_.*|json_execute_serialized_sql|write_log|which_secret)$/

/** Every lake table of a tree, or what is not allowed in it. */
export function gate(
  root: Node,
  normalised: Normalised,
): { tables: GatedTable[]; problems: Problem[]; volatile: boolean } {
  const found = { tables: [] as GatedTable[], problems: [] as Problem[], volatile: false }
  const refuse = (node: Node, what: string): void => {
    const location = node['query_location']
    found.problems.push(
      QUERY_REFUSED({ what }, { place: normalised.place(typeof location === 'string' ? Number(location) : undefined) }),
    )
  }
  const visit = (value: Json | undefined, ctes: ReadonlySet<string>): void => {
    if (!isNode(value)) {
      for (const item of Array.isArray(value) ? itemsOf(value) : []) visit(item, ctes)
      return
    }
    const inner = withCtes(value, ctes)
    const type = str(value, 'type')
    const strange = relationsOf(value).find(relation => !RELATIONS.has(str(relation, 'type')))
    if (strange) refuse(strange, `${str(strange, 'type')} in FROM reads something else than tables of the lake`)
    if (type === 'TABLE_FUNCTION')
      refuse(value, `${functionOf(value)}() in FROM reads something else than tables of the lake`)
    const called = str(value, 'function_name').toLowerCase()
    if (REACHING.test(called)) refuse(value, `${called}() reaches outside the query`)
    if (/^(now|current_.*|today|random|uuid|gen_random_uuid|get_current_.*)$/.test(called)) found.volatile = true
    if (
      str(value, 'class') === 'COLUMN_REF' &&
      /^current_(date|time|timestamp)$/i.test(String((value['column_names'] as Json[])?.[0]))
    )
      found.volatile = true
    if (type === 'BASE_TABLE') {
      const [catalog, schema, name] = [str(value, 'catalog_name'), str(value, 'schema_name'), str(value, 'table_name')]
      const parts = schema ? [schema, name] : [name]
      const location = Number(str(value, 'query_location'))
      const spelt = normalised.parsedNameAt(location)
      // A quote right behind makes a literal of the word, as in E'x', whose value may be that word.
      const written = normalised.text[spelt?.end ?? 0] === "'" ? undefined : spelt?.parts
      if (catalog) refuse(value, `${catalog}.${schema}.${name} has three parts; a table is schema.table`)
      else if (!schema && isFileName(name)) refuse(value, `${name} is a file; a table is schema.table`)
      else if (schema || !inner.has(name.toLowerCase())) {
        if (written?.join('\0') === parts.join('\0'))
          found.tables.push({ parts, location, hasAlias: str(value, 'alias') !== '' })
        else refuse(value, `The table ${parts.join('.')} is not written as a name, plain or in double quotes,`)
      }
    }
    for (const part of Object.values(value)) visit(part, inner)
  }
  visit(root, new Set())
  return found
}

/** What may stand in FROM; tables and table functions have rules of their own. */
const RELATIONS = new Set(['BASE_TABLE', 'SUBQUERY', 'JOIN', 'EMPTY', 'EXPRESSION_LIST', 'PIVOT', 'TABLE_FUNCTION'])

function relationsOf(node: Node): Node[] {
  const isJoin = str(node, 'join_type') !== ''
  const found = [node['from_table'], isJoin ? node['left'] : undefined, isJoin ? node['right'] : undefined]
  return [...found, str(node, 'type') === 'PIVOT' ? node['source'] : undefined].filter(isNode)
}

const functionOf = (node: Node): string =>
  isNode(node['function']) ? str(node['function'], 'function_name') : 'A function'

function withCtes(node: Node, ctes: ReadonlySet<string>): ReadonlySet<string> {
  const map = node['cte_map']
  const own = isNode(map) ? children(map, 'map').map(entry => str(entry, 'key').toLowerCase()) : []
  const recursive = str(node, 'cte_name').toLowerCase()
  if (own.length === 0 && !recursive) return ctes
  return new Set([...ctes, ...own, ...(recursive ? [recursive] : [])])
}

/**
 * The text that was parsed, and so judged, with each table replaced; a table keeps its name as alias unless it has
 * another. Comments and spacing are those of the parser: the user's own text is never run, since what it means to DuckDB
 * was not looked at.
 */
export function replaceTables(normalised: Normalised, replacements: readonly { table: GatedTable; by: Sql }[]): Sql {
  let result = normalised.text
  const last = [...replacements].sort((a, b) => b.table.location - a.table.location)
  for (const { table, by } of last) {
    const name = normalised.parsedNameAt(table.location)
    if (name === undefined) throw new TypeError(`this is a bug in tidemark: ${table.parts.join('.')} has no place`)
    const alias = table.hasAlias ? sql`` : sql` AS ${ident(table.parts.at(-1) ?? '')}`
    result = `${result.slice(0, name.start)}(SELECT * FROM ${by.text})${alias.text}${result.slice(name.end)}`
  }
  return checked(result)
}
