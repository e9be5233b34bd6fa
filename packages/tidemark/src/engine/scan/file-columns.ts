/**
 * The columns of a Parquet file as DuckDB reads them: a tree made from the flat rows of `parquet_schema`. Lists and maps
 * are recognised by DuckDB's own rules, in the standard form and in the older ones that Spark and Hive wrote.
 */

export interface FileColumn {
  readonly name: string
  /** The Parquet field id; undefined when the file has none here. */
  readonly fieldId: number | undefined
  readonly shape: Shape
}

export type Shape =
  | { readonly kind: 'leaf'; readonly duckType: string }
  | { readonly kind: 'list'; readonly element: Shape }
  | { readonly kind: 'map'; readonly key: Shape; readonly value: Shape }
  | { readonly kind: 'struct'; readonly fields: readonly FileColumn[] }

/** One row of `parquet_schema`, in the file's order: a group is followed by its children. */
export interface SchemaRow {
  readonly name: string
  readonly repetition_type: string | null
  readonly num_children: number | null
  readonly converted_type: string | null
  readonly logical_type: string | null
  readonly field_id: number | null
  readonly duckdb_type: string | null
}

/** The top-level columns. Throws TypeError when the rows are not one whole tree. */
export function parseFileColumns(rows: readonly SchemaRow[]): FileColumn[] {
  const [root, ...rest] = rows
  const queue = rest.values()
  const columns = takeChildren(root, queue).map(toColumn)
  if (queue.next().done !== true) throw new TypeError('the schema of the file has more columns than its root')
  return columns
}

interface Node {
  readonly row: SchemaRow
  readonly children: readonly Node[]
}

function takeChildren(parent: SchemaRow | undefined, queue: Iterator<SchemaRow>): Node[] {
  return Array.from({ length: parent?.num_children ?? 0 }, () => {
    const next = queue.next()
    if (next.done === true) throw new TypeError('the schema of the file ends too early')
    return { row: next.value, children: takeChildren(next.value, queue) }
  })
}

function toColumn(node: Node): FileColumn {
  const { name, field_id: fieldId } = node.row
  return { name, fieldId: fieldId ?? undefined, shape: toShape(node, false) }
}

/** A repeated column is a list of what it is otherwise; the group around the one of a list or map adds nothing. */
function toShape(node: Node, isInsideMap: boolean): Shape {
  const { row, children } = node
  const isRepeated = row.repetition_type === 'REPEATED'
  if (children.length === 0) {
    const leaf: Shape = { kind: 'leaf', duckType: row.duckdb_type ?? '' }
    return isRepeated ? { kind: 'list', element: leaf } : leaf
  }
  const isMap = row.converted_type === 'MAP' || row.logical_type?.startsWith('MapType') === true
  const isList = row.converted_type === 'LIST' || row.logical_type?.startsWith('ListType') === true
  const [first, second] = children
  if (first && second && (isInsideMap || row.converted_type === 'MAP_KEY_VALUE')) {
    return { kind: 'map', key: toShape(first, false), value: toShape(second, false) }
  }
  const isWrapper = first !== undefined && second === undefined && (isList || isMap || isRepeated)
  const shape: Shape = isWrapper ? toShape(first, isMap) : { kind: 'struct', fields: children.map(toColumn) }
  return isRepeated ? { kind: 'list', element: shape } : shape
}
