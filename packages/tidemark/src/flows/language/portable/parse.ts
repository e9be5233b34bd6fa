/** A query's text to DuckDB's syntax tree, with DuckDB's own syntax errors brought back to the user's text. */
import type { Place, Problem } from '../../../errors/problem.ts'
import { FLOW_SYNTAX, QUERY_REFUSED } from '../../../errors/flow.ts'
import { type Sql, sql, text } from '../../../engine/sql.ts'
import type { Dialect } from '../token.ts'
import { child, children, flag, isNode, type Node, parseLossless, str } from './ast.ts'
import { type Normalised, normalise } from './normalise.ts'

/** The part of an engine that is needed here: run a query that reads no table and give its rows. */
export interface ParserSession {
  rows(query: Sql): Promise<Record<string, unknown>[]>
}

export interface ParsedQuery {
  root: Node
  /** What DuckDB parsed, and the way from its offsets to the user's places. */
  normalised: Normalised
}

/** Parse one SELECT. `problems` is empty exactly when `parsed` is there. */
export async function parseSelect(
  session: ParserSession,
  query: { text: string; place: Place; dialect: Dialect },
): Promise<{ parsed?: ParsedQuery; problems: Problem[] }> {
  const normalised = normalise(query.text, query.place, query.dialect)
  if (normalised.problems.length > 0) return { problems: normalised.problems }
  const call = sql`SELECT CAST(json_serialize_sql(${text(normalised.text)}, skip_default := true) AS VARCHAR) AS tree`
  const [row] = await session.rows(call)
  const tree = parseLossless(String(row?.['tree']))
  if (!isNode(tree)) throw new Error('this is a bug in portable SQL: DuckDB gave no syntax tree')
  if (flag(tree, 'error')) return { problems: [syntaxProblem(tree, normalised)] }
  const [statement, another] = children(tree, 'statements')
  if (!statement || another) {
    const place = normalised.place(undefined)
    return {
      problems: [
        QUERY_REFUSED({ what: statement ? 'There is more than one statement' : 'There is no statement' }, { place }),
      ],
    }
  }
  return { parsed: { root: child(statement, 'node'), normalised }, problems: [] }
}

const SYNTAX_HINT =
  'Look at this place and just before it: a comma, a bracket, a quote or a word may be missing or misspelt.'

function syntaxProblem(tree: Node, normalised: Normalised): Problem {
  if (str(tree, 'error_type') !== 'parser') {
    return QUERY_REFUSED({ what: 'Only SELECT is allowed' }, { place: normalised.place(undefined) })
  }
  const position = str(tree, 'position')
  // Unlike a node's location, the parser's position counts characters.
  const before = [...normalised.text].slice(0, Number(position)).join('')
  const place = normalised.place(position === '' ? undefined : Buffer.byteLength(before))
  const said = str(tree, 'error_message')
  const found = /at or near "([^]*)"$/.exec(said)?.[1]
  const end = found === undefined && !said.includes('end of input') ? `its end: ${said}` : 'its end'
  return FLOW_SYNTAX({ expected: 'the SELECT to go on', found: found ?? end, hint: SYNTAX_HINT }, { place })
}

/** `expression` as a SELECT that DuckDB can parse, and back: its prefix is part of no place. */
export async function parseExpression(
  session: ParserSession,
  expression: { text: string; place: Place; dialect: Dialect },
): Promise<{ parsed?: ParsedQuery; problems: Problem[] }> {
  const prefix = 'SELECT '
  const place = { ...expression.place, column: expression.place.column - prefix.length }
  const { parsed, problems } = await parseSelect(session, { ...expression, text: `${prefix}${expression.text}`, place })
  if (!parsed) return { problems }
  const [only, another] = children(parsed.root, 'select_list')
  const isBare = str(parsed.root, 'type') === 'SELECT_NODE' && str(child(parsed.root, 'from_table'), 'type') === 'EMPTY'
  const isOne =
    only &&
    !another &&
    isBare &&
    !isNode(parsed.root['where_clause']) &&
    children(parsed.root, 'modifiers').length === 0
  if (isOne && !str(only, 'alias') && children(parsed.root, 'group_expressions').length === 0)
    return { parsed: { ...parsed, root: only }, problems }
  return {
    problems: [FLOW_SYNTAX({ expected: 'one expression', found: 'more than that' }, { place: expression.place })],
  }
}
