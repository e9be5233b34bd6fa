/** CREATE … in a flow file: streaming tables, materialized views and temporary views, with their rules. */
import type { Place } from '../../errors/problem.ts'
import { FLOW_NAME, FLOW_PROPERTY } from '../../errors/flow.ts'
import type { Query, TableName } from '../../model/flow.ts'
import type { Expectation } from '../../model/project.ts'
import { findPropertyFault, type TableProperties } from '../../model/table-properties.ts'
import { ParseStop } from './cursor.ts'
import { parseCdcClauses, parseCreateFlow } from './create-flow.ts'
import type { Reading } from './lakeflow-sql.ts'
import { tableName } from './name.ts'
import type { Token } from './token.ts'

const KINDS = 'STREAMING TABLE, MATERIALIZED VIEW, TEMPORARY VIEW or FLOW'

export function parseCreate(reading: Reading, first: Token): void {
  const { cursor } = reading
  const place = cursor.place(first)
  if (cursor.take('OR') && !cursor.take('REFRESH')) cursor.fail('REFRESH', 'Lakeflow SQL writes CREATE OR REFRESH.')
  const modifier = cursor.peek()
  if (cursor.take('PRIVATE')) cursor.unbuilt('PRIVATE', modifier)
  if (cursor.take('FLOW')) return parseCreateFlow(reading, place)
  if (cursor.take('TEMPORARY') || cursor.take('TEMP')) return parseTemporary(reading, modifier, place)
  if (cursor.take('STREAMING')) {
    cursor.take('LIVE')
    cursor.expect('TABLE')
    return parseStreamingTable(reading, place)
  }
  if (cursor.take('MATERIALIZED VIEW') || cursor.take('LIVE TABLE')) return parseMaterializedView(reading, place)
  if (cursor.take('LIVE VIEW')) return parseTemporaryView(reading, place)
  if (cursor.at('VIEW')) return stop(reading, 'CREATE VIEW', 'Write CREATE TEMPORARY VIEW or MATERIALIZED VIEW.')
  cursor.fail(KINDS)
}

/** A part of the language that is not built: one problem, and the rest of the statement is stepped over. */
function stop(reading: Reading, clause: string, instead?: string): void {
  const { cursor } = reading
  cursor.unbuilt(clause, cursor.peek(), instead)
  cursor.span(clause, () => false)
}

function parseTemporary(reading: Reading, modifier: Token, place: Place): void {
  const { cursor } = reading
  if (cursor.at('STREAMING')) {
    cursor.unbuilt('CREATE TEMPORARY STREAMING', modifier, 'Write CREATE TEMPORARY VIEW … AS SELECT … FROM STREAM(…).')
    cursor.span('the statement', () => false)
    return
  }
  cursor.take('LIVE')
  cursor.expect('VIEW')
  parseTemporaryView(reading, place)
}

function parseTemporaryView(reading: Reading, place: Place): void {
  const { cursor } = reading
  const name = parseTarget(reading)
  if (cursor.take('COMMENT')) parseText(reading)
  cursor.expect('AS')
  reading.datasets.push({ kind: 'temporary view', name, query: parseQuery(reading), place })
}

function parseStreamingTable(reading: Reading, place: Place): void {
  const { cursor } = reading
  const head = parseHead(reading)
  reading.datasets.push({ kind: 'streaming table', ...head, place })
  if (cursor.take('AS')) {
    reading.flows.push({ kind: 'append', name: head.name, target: head.name, query: parseQuery(reading), place })
  } else if (cursor.take('FLOW AUTO CDC') || cursor.take('FLOW APPLY CHANGES')) {
    reading.flows.push({ kind: 'auto cdc', name: head.name, target: head.name, ...parseCdcClauses(reading), place })
  } else if (cursor.take('FLOW INSERT')) {
    cursor.expect('BY NAME')
    reading.flows.push({ kind: 'append', name: head.name, target: head.name, query: parseQuery(reading), place })
  }
}

function parseMaterializedView(reading: Reading, place: Place): void {
  const head = parseHead(reading)
  reading.cursor.expect('AS')
  reading.datasets.push({ kind: 'materialized view', ...head, query: parseQuery(reading), place })
}

interface Head {
  name: TableName
  expectations: Expectation[]
  properties?: TableProperties
  comment?: string
}

/** Name, rules and table clauses, which come in any order. */
function parseHead(reading: Reading): Head {
  const { cursor } = reading
  const head: Head = { name: parseTarget(reading), expectations: [] }
  for (;;) {
    const token = cursor.peek()
    if (cursor.at('(')) head.expectations.push(...parseElements(reading))
    else if (cursor.take('COMMENT')) head.comment = parseText(reading)
    else if (cursor.take('TBLPROPERTIES')) head.properties = { ...head.properties, ...parseProperties(reading) }
    else if (cursor.take('CLUSTER BY')) unbuiltGroup(reading, 'CLUSTER BY', token)
    else if (cursor.take('PARTITIONED BY')) unbuiltGroup(reading, 'PARTITIONED BY', token)
    else if (cursor.take('LOCATION')) unbuiltText(reading, 'LOCATION', token)
    else if (cursor.take('SCHEDULE')) {
      cursor.unbuilt('SCHEDULE', token, 'The schedule of a project is in tidemark.yml.')
      cursor.span('a schedule', () => cursor.at('AS'))
    } else return head
  }
}

/** `('name' = 'value', …)`; a value may also be a bare word or number. */
function parseProperties(reading: Reading): Record<string, string> {
  const { cursor } = reading
  const properties: Record<string, string> = {}
  cursor.expect('(')
  do {
    const token = cursor.peek()
    const name = parseText(reading)
    cursor.expect('=')
    const value =
      cursor.peek().kind === 'word' || cursor.peek().kind === 'number' ? cursor.next().text : parseText(reading)
    const expected = findPropertyFault(name, value)
    if (expected !== undefined) {
      cursor.problems.push(FLOW_PROPERTY({ name, expected }, { place: cursor.place(token) }))
    } else properties[name] = value
  } while (cursor.take(','))
  cursor.expect(')', 'Properties are separated by commas.')
  return properties
}

function unbuiltGroup(reading: Reading, clause: string, token: Token): void {
  reading.cursor.unbuilt(clause, token)
  if (!reading.cursor.take('AUTO')) reading.cursor.skipGroup()
}

function unbuiltText(reading: Reading, clause: string, token: Token): void {
  reading.cursor.unbuilt(clause, token)
  parseText(reading)
}

/** The parentheses after a table's name: rules; declared columns are known but not built. */
function parseElements(reading: Reading): Expectation[] {
  const { cursor } = reading
  const expectations: Expectation[] = []
  let hasColumns = false
  cursor.expect('(')
  do {
    const token = cursor.peek()
    if (cursor.at(')')) break
    if (cursor.take('CONSTRAINT')) {
      const rule = parseConstraint(reading, token)
      if (rule) expectations.push(rule)
    } else {
      cursor.name('CONSTRAINT or a column name')
      if (!hasColumns)
        cursor.unbuilt(
          'A column list',
          token,
          'Leave the columns out and CAST them in the SELECT; keep the CONSTRAINTs.',
        )
      hasColumns = true
      if (!cursor.at(',') && !cursor.at(')')) cursor.span('a column definition', () => cursor.at(','))
    }
  } while (cursor.take(','))
  cursor.expect(')', 'Rules are separated by commas.')
  return expectations
}

function parseConstraint(reading: Reading, token: Token): Expectation | undefined {
  const { cursor } = reading
  const name = cursor.name('the name of the rule').value
  if (!cursor.take('EXPECT')) {
    if (!cursor.at('PRIMARY') && !cursor.at('FOREIGN')) cursor.fail('EXPECT')
    cursor.unbuilt('A key constraint', token)
    cursor.span('a key constraint', () => cursor.at(','))
    return undefined
  }
  cursor.expect('(', 'The condition of a rule is in parentheses.')
  const { text: expression, place } = cursor.span('a condition', () => false)
  cursor.expect(')')
  let onViolation: Expectation['onViolation'] = 'warn'
  if (cursor.take('ON')) {
    cursor.expect('VIOLATION')
    if (cursor.take('DROP ROW')) onViolation = 'drop'
    else if (cursor.take('FAIL UPDATE')) onViolation = 'fail'
    else cursor.fail('DROP ROW or FAIL UPDATE', 'Without ON VIOLATION the rule only warns and counts.')
  }
  return { name, expression, onViolation, place }
}

/** The name of something the file declares or fills: in silver or gold. */
export function parseTarget(reading: Reading): TableName {
  const { cursor } = reading
  cursor.take('IF NOT EXISTS')
  const first = cursor.peek()
  const name = parseTable(reading)
  const schema = name.slice(0, name.indexOf('.'))
  if (schema !== 'silver' && schema !== 'gold') {
    cursor.problems.push(
      FLOW_NAME({ name, why: 'a flow fills tables of silver or gold' }, { place: cursor.place(first) }),
    )
  }
  return name
}

/** A table's name of one or two parts, or LIVE.name, as `schema.table`. */
export function parseTable(reading: Reading): TableName {
  const { cursor } = reading
  const first = cursor.peek()
  const parts = [cursor.name('the name of a table').value]
  while (cursor.take('.')) parts.push(cursor.name('a name after the dot').value)
  const name = tableName(parts, reading.schema)
  if (name) return name
  throw new ParseStop(
    FLOW_NAME(
      { name: parts.join('.'), why: 'a name has at most two parts, schema.table' },
      { place: cursor.place(first) },
    ),
  )
}

export function parseText(reading: Reading): string {
  const { cursor } = reading
  return cursor.peek().kind === 'string' ? cursor.next().value : cursor.fail('a text in quotes')
}

/** The SELECT up to the end of the statement, kept as written. */
export function parseQuery(reading: Reading): Query {
  const { cursor } = reading
  if (!cursor.at('SELECT') && !cursor.at('WITH') && !cursor.at('FROM') && !cursor.at('(')) cursor.fail('SELECT')
  return { ...cursor.span('SELECT', () => false), dialect: reading.dialect }
}
