/** CREATE FLOW and its old spelling APPLY CHANGES: append flows and AUTO CDC with clauses in any order. */
import type { Place } from '../../errors/problem.ts'
import type { DeclaredFlow } from '../../model/flow.ts'
import { parseQuery, parseTable, parseTarget, parseText } from './create.ts'
import type { Reading } from './lakeflow-sql.ts'
import type { Token } from './token.ts'

export function parseCreateFlow(reading: Reading, place: Place): void {
  const { cursor } = reading
  const name = parseFlowName(reading)
  if (cursor.take('COMMENT')) parseText(reading)
  cursor.expect('AS')
  cursor.take('FLOW')
  if (cursor.take('AUTO CDC') || cursor.take('APPLY CHANGES')) {
    cursor.expect('INTO')
    const target = parseTarget(reading)
    reading.flows.push({ kind: 'auto cdc', name, target, ...parseCdcClauses(reading), place })
    return
  }
  cursor.expect('INSERT', 'A flow is AS INSERT INTO … BY NAME SELECT …, or AS AUTO CDC INTO ….')
  cursor.expect('INTO')
  const once = cursor.peek()
  // A table may itself be named "once"; the clause is followed by a table's name.
  if (cursor.at('ONCE') && !cursor.at('ONCE BY') && cursor.take('ONCE')) cursor.unbuilt('INSERT INTO ONCE', once)
  const target = parseTarget(reading)
  cursor.expect('BY NAME', 'Columns are matched by name: INSERT INTO target BY NAME SELECT ….')
  reading.flows.push({ kind: 'append', name, target, query: parseQuery(reading), place })
}

/** APPLY CHANGES INTO t … as a statement: the flow is named like its target. */
export function parseApplyChanges(reading: Reading, first: Token): void {
  const { cursor } = reading
  const place = cursor.place(first)
  if (!cursor.take('APPLY CHANGES')) cursor.take('AUTO CDC')
  cursor.expect('INTO')
  const target = parseTarget(reading)
  reading.flows.push({ kind: 'auto cdc', name: target, target, ...parseCdcClauses(reading), place })
}

/** A flow's name stands for itself; a schema before it is accepted and does not matter. */
function parseFlowName(reading: Reading): string {
  let name = reading.cursor.name('the name of the flow').value
  while (reading.cursor.take('.')) name = reading.cursor.name('a name after the dot').value
  return name
}

type CdcClauses = Pick<
  Extract<DeclaredFlow, { kind: 'auto cdc' }>,
  'source' | 'keys' | 'sequenceBy' | 'applyAsDeleteWhen' | 'scdType'
>

const CLAUSES = [
  'KEYS (',
  'APPLY AS',
  'SEQUENCE BY',
  'COLUMNS *',
  'COLUMNS (',
  'STORED AS',
  'TRACK HISTORY',
  'IGNORE NULL',
  'WHERE',
]

/** The clauses behind AUTO CDC INTO target, in any order; KEYS, FROM and SEQUENCE BY must be there. */
export function parseCdcClauses(reading: Reading): CdcClauses {
  const { cursor } = reading
  const atClause = (): boolean => CLAUSES.some(clause => cursor.at(clause)) || cursor.at('FROM STREAM')
  const found: Partial<CdcClauses> = {}
  const skip = (clause: string, token: Token, instead?: string): void => {
    cursor.unbuilt(clause, token, instead)
    if (!atClause()) cursor.span(clause, atClause)
  }
  for (;;) {
    const token = cursor.peek()
    const once = (key: keyof CdcClauses): void => {
      if (key in found) cursor.fail(`one ${token.text.toUpperCase()} clause`)
    }
    if (cursor.take('FROM')) once('source'), (found.source = parseStream(reading))
    else if (cursor.at('KEYS')) once('keys'), cursor.next(), (found.keys = parseKeys(reading))
    else if (cursor.take('APPLY AS DELETE')) {
      once('applyAsDeleteWhen')
      cursor.expect('WHEN')
      found.applyAsDeleteWhen = cursor.span('a condition', atClause).text
    } else if (cursor.take('APPLY AS TRUNCATE WHEN')) skip('APPLY AS TRUNCATE WHEN', token)
    else if (cursor.take('SEQUENCE BY')) once('sequenceBy'), (found.sequenceBy = parseSequence(reading))
    else if (cursor.take('COLUMNS')) skip('COLUMNS', token, 'Stream a TEMPORARY VIEW that selects the columns.')
    else if (cursor.take('STORED AS SCD TYPE')) once('scdType'), (found.scdType = parseScdType(reading))
    else if (cursor.take('TRACK HISTORY ON')) skip('TRACK HISTORY ON', token)
    else if (cursor.take('IGNORE NULL UPDATES')) skip('IGNORE NULL UPDATES', token)
    else if (cursor.take('WHERE')) skip('WHERE', token, 'Stream a TEMPORARY VIEW that has the WHERE.')
    else break
  }
  if (found.source === undefined) return cursor.fail('FROM STREAM(…)')
  if (found.keys === undefined) return cursor.fail('KEYS (…)')
  if (found.sequenceBy === undefined) return cursor.fail('SEQUENCE BY', 'It decides which version of a key is newer.')
  const { source, keys, sequenceBy } = found
  return { source, keys, sequenceBy, applyAsDeleteWhen: found.applyAsDeleteWhen, scdType: found.scdType ?? 1 }
}

function parseStream(reading: Reading): string {
  const { cursor } = reading
  cursor.expect('STREAM', 'AUTO CDC reads a stream: FROM STREAM(silver.t).')
  const open = cursor.take('(')
  const source = parseTable(reading)
  if (open) cursor.expect(')')
  return source
}

function parseKeys(reading: Reading): string[] {
  const { cursor } = reading
  cursor.expect('(', 'Keys are in parentheses: KEYS (user_id).')
  const keys = [cursor.name('a key column').value]
  while (cursor.take(',')) keys.push(cursor.name('a key column').value)
  cursor.expect(')')
  return keys
}

function parseSequence(reading: Reading): string {
  const { cursor } = reading
  const token = cursor.peek()
  if (cursor.at('STRUCT (')) {
    cursor.unbuilt('SEQUENCE BY STRUCT', token, 'Sequence by one column; ties are decided by the order of arrival.')
    cursor.next()
    cursor.skipGroup()
    return token.value
  }
  return cursor.name('the column that orders the versions').value
}

function parseScdType(reading: Reading): 1 | 2 {
  const { cursor } = reading
  if (/^[12]$/.test(cursor.peek().text)) return cursor.next().text === '1' ? 1 : 2
  return cursor.fail('1 or 2', 'STORED AS SCD TYPE 1 keeps the newest version, TYPE 2 keeps history.')
}
