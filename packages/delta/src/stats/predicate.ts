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

/**
 * `column op value`, for example `compare('id', '>=', '10')`.
 *
 * @example
 * ```ts
 * console.log(pruneFiles(people.files.values(), people, compare('id', '>=', '3')).map(file => file.path)) // [ 'b' ]
 * ```
 */
export function compare(column: ColumnName, op: CompareOperator, value: string): Predicate<never> {
  return { kind: 'compare', column: pathOf(column), op, value }
}

/**
 * TRUE where the column is NULL, else FALSE.
 *
 * @example
 * ```ts
 * console.log(printPredicate(isNull(['address', 'city']), String)) // address.city IS NULL
 * ```
 */
export function isNull(column: ColumnName): Predicate<never> {
  return { kind: 'isNull', column: pathOf(column) }
}

/**
 * TRUE where the column is one of the values; FALSE for an empty list.
 *
 * @example
 * ```ts
 * console.log(printPredicate(isIn('id', ['1', '2']), String)) // id = '1' OR id = '2'
 * ```
 */
export function isIn(column: ColumnName, values: Iterable<string>): Predicate<never> {
  return { kind: 'or', of: Array.from(values, value => compare(column, '=', value)) }
}

/**
 * All of them.
 *
 * @example
 * ```ts
 * const adults = and(compare('age', '>=', '18'), not(isNull('name')))
 * console.log(printPredicate(adults, String)) // age >= '18' AND (NOT name IS NULL)
 * ```
 */
export function and<Expr = never>(...of: readonly Predicate<Expr>[]): Predicate<Expr> {
  return join('and', of)
}

/**
 * Any of them.
 *
 * @example
 * ```ts
 * console.log(printPredicate(or(compare('id', '=', '1'), isNull('id')), String)) // id = '1' OR id IS NULL
 * ```
 */
export function or<Expr = never>(...of: readonly Predicate<Expr>[]): Predicate<Expr> {
  return join('or', of)
}

/**
 * TRUE becomes FALSE and FALSE becomes TRUE; NULL stays.
 *
 * @example
 * ```ts
 * console.log(printPredicate(not(compare('id', '=', '1')), String)) // NOT id = '1'
 * ```
 */
export function not<Expr>(of: Predicate<Expr>): Predicate<Expr> {
  return { kind: 'not', of }
}

/**
 * A condition that only the engine understands.
 *
 * @example
 * ```ts
 * const predicate = and(isNull('name'), expression('length(city) > 3'))
 * console.log(printPredicate(predicate, sql => sql)) // name IS NULL AND (length(city) > 3)
 * ```
 */
export function expression<Expr>(value: Expr): Predicate<Expr> {
  return { kind: 'expression', expression: value }
}

/**
 * The predicate as SQL, for messages and `operationParameters`. Values are quoted whatever their type.
 *
 * @param printExpression text of an engine's expression
 *
 * @example
 * ```ts
 * console.log(printPredicate(compare('name', '<>', "O'Neill"), String)) // name <> 'O''Neill'
 * ```
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
