/**
 * Read a file of Lakeflow SQL into flow values. All mistakes of a file are collected: after one, reading goes on behind
 * the next semicolon. The SELECTs inside are kept as text; portable/ judges them.
 */
import type { Problem } from '../../errors/problem.ts'
import type { Dataset, DeclaredFlow, FlowSource } from '../../model/flow.ts'
import { type Cursor, openCursor, ParseStop } from './cursor.ts'
import { parseCreate } from './create.ts'
import { parseApplyChanges } from './create-flow.ts'
import { type Dialect, dialectOf } from './token.ts'

/** What the statements of one file are read into. */
export interface Reading {
  cursor: Cursor
  /** Schema of unqualified names. */
  schema: string
  dialect: Dialect
  datasets: Dataset[]
  flows: DeclaredFlow[]
}

/**
 * Parse one .sql flow file.
 *
 * @param file   path relative to the project, used in places and messages
 * @param schema schema of unqualified names, see `schemaOfFile`
 * @returns      `source` is undefined when there is any problem: half a file never runs
 */
export function parseFlowFile(input: { file: string; text: string; schema: string }): {
  source: FlowSource | undefined
  problems: Problem[]
} {
  const dialect = dialectOf(input.text)
  const cursor = openCursor(input.file, input.text, dialect)
  const reading: Reading = { cursor, schema: input.schema, dialect, datasets: [], flows: [] }
  while (cursor.peek().kind !== 'end') {
    try {
      if (!cursor.take(';')) parseStatement(reading)
    } catch (error) {
      if (!(error instanceof ParseStop)) throw error
      cursor.problems.push(error.problem)
      while (cursor.peek().kind !== 'end' && cursor.peek().text !== ';') cursor.next()
    }
  }
  const { problems } = cursor
  const source = { file: input.file, datasets: reading.datasets, flows: reading.flows }
  return { source: problems.length === 0 ? source : undefined, problems }
}

function parseStatement(reading: Reading): void {
  const { cursor } = reading
  const first = cursor.peek()
  if (cursor.take('CREATE')) parseCreate(reading, first)
  else if (cursor.at('APPLY CHANGES') || cursor.at('AUTO CDC')) parseApplyChanges(reading, first)
  else cursor.fail('CREATE')
  const end = cursor.peek()
  if (end.kind !== 'end' && end.text !== ';') cursor.fail('; or the end of the file')
}
