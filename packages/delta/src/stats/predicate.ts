/**
 * Predicate: a condition on rows as a plain value, so that files can be ruled out by it and a commit can say what it
 * read. What only an engine understands travels along as `expression`.
 */

export type CompareOperator = '=' | '<>' | '<' | '<=' | '>' | '>='

/** Names from the top level down; one name for a plain column. Logical names, whatever the column mapping. */
export type ColumnPath = readonly string[]

/**
 * SQL's three-valued logic: a comparison with NULL is NULL, and only rows for which the whole is TRUE match. NaN equals
 * itself and is above every other number, -0 equals 0, strings are ordered by code point.
 */
export type Predicate<Expr> =
  /** `value` is the text of a value of the column's own type, in any of the forms of `ValueOrder.parse`. */
  | { readonly kind: 'compare'; readonly column: ColumnPath; readonly op: CompareOperator; readonly value: string }
  | { readonly kind: 'isNull'; readonly column: ColumnPath }
  /** No operand at all is TRUE for `and`, FALSE for `or`. */
  | { readonly kind: 'and' | 'or'; readonly of: readonly Predicate<Expr>[] }
  | { readonly kind: 'not'; readonly of: Predicate<Expr> }
  /** The engine's own; may be TRUE, FALSE or NULL for any row. */
  | { readonly kind: 'expression'; readonly expression: Expr }

/** A top-level column by its name, which may hold dots, or a path. */
export type ColumnName = string | ColumnPath

/** `column op value`, for example `compare('id', '>=', '10')`. */
export function compare(column: ColumnName, op: CompareOperator, value: string): Predicate<never> {
  return { kind: 'compare', column: pathOf(column), op, value }
}

/** TRUE where the column is NULL, else FALSE. */
export function isNull(column: ColumnName): Predicate<never> {
  return { kind: 'isNull', column: pathOf(column) }
}

/** TRUE where the column is one of the values; FALSE for an empty list. */
export function isIn(column: ColumnName, values: Iterable<string>): Predicate<never> {
  return { kind: 'or', of: Array.from(values, value => compare(column, '=', value)) }
}

/** All of them. */
export function and<Expr = never>(...of: readonly Predicate<Expr>[]): Predicate<Expr> {
  return join('and', of)
}

/** Any of them. */
export function or<Expr = never>(...of: readonly Predicate<Expr>[]): Predicate<Expr> {
  return join('or', of)
}

/** TRUE becomes FALSE and FALSE becomes TRUE; NULL stays. */
export function not<Expr>(of: Predicate<Expr>): Predicate<Expr> {
  return { kind: 'not', of }
}

/** A condition that only the engine understands. */
export function expression<Expr>(value: Expr): Predicate<Expr> {
  return { kind: 'expression', expression: value }
}

/**
 * The predicate as SQL, for messages and `operationParameters`. Values are quoted whatever their type.
 *
 * @param printExpression text of an engine's expression
 */
export function printPredicate<Expr>(
  predicate: Predicate<Expr>,
  printExpression: (expression: Expr) => string,
): string {
  const operand = (of: Predicate<Expr>): string => {
    const text = printPredicate(of, printExpression)
    return of.kind === 'compare' || of.kind === 'isNull' ? text : `(${text})`
  }
  switch (predicate.kind) {
    case 'compare':
      return `${printColumn(predicate.column)} ${predicate.op} '${predicate.value.replaceAll("'", "''")}'`
    case 'isNull':
      return `${printColumn(predicate.column)} IS NULL`
    case 'and':
    case 'or': {
      const [only] = predicate.of
      if (only === undefined) return predicate.kind === 'and' ? 'TRUE' : 'FALSE'
      if (predicate.of.length === 1) return printPredicate(only, printExpression)
      return predicate.of.map(operand).join(predicate.kind === 'and' ? ' AND ' : ' OR ')
    }
    case 'not':
      return `NOT ${operand(predicate.of)}`
    case 'expression':
      return printExpression(predicate.expression)
  }
}

/** A column path for people: plain names as they are, others in backquotes. */
export function printColumn(column: ColumnPath): string {
  return column.map(name => (/^\w+$/.test(name) ? name : `\`${name.replaceAll('`', '``')}\``)).join('.')
}

/** Nested operands of the same kind are one list: a chain of ten thousand is no deeper than one. */
function join<Expr>(kind: 'and' | 'or', of: readonly Predicate<Expr>[]): Predicate<Expr> {
  return { kind, of: of.flatMap(one => (one.kind === kind ? one.of : [one])) }
}

function pathOf(column: ColumnName): ColumnPath {
  return typeof column === 'string' ? [column] : column
}
