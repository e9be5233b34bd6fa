/**
 * Spark 4.2 with Delta 4.4 for tests of the heavy project: `spark.sql(statement)`. All test files share one Spark, each
 * file has a session of its own (temporary views, settings). Tables are best named by path: delta.`/folder/table`.
 */
import { randomUUID } from 'node:crypto'
import { connect, type Socket } from 'node:net'
import { createInterface } from 'node:readline'
import { inject } from 'vitest'
import { canonicalRow, type Wire, type WireColumn } from './wire.ts'

export interface SparkRows {
  columns: readonly WireColumn[]
  /** Each row as canonical text (wire.ts), in the order Spark gave them. */
  rows: readonly string[]
}

export interface Spark {
  /** Run one statement. Rejects with SparkError when Spark refuses it or fails. */
  sql(statement: string): Promise<SparkRows>
  /** Run statements one after the other. */
  run(statements: readonly string[]): Promise<void>
}

/** What Spark said about a statement. */
export class SparkError extends Error {
  /** Spark's error condition, such as DIVIDE_BY_ZERO or DELTA_CONCURRENT_APPEND; else the exception's class. */
  readonly condition: string

  constructor(condition: string, message: string, statement: string) {
    super(`${message}\n  in: ${statement.slice(0, 500)}`)
    this.name = 'SparkError'
    this.condition = condition
  }
}

type Answer = { id: string } & (
  | { columns: WireColumn[]; rows: Wire[][] }
  | { error: { class: string; message: string } }
  | { ended: string }
)

const waiting = new Map<string, (answer: Answer) => void>()
let socket: Socket | undefined

/** The session of this test file. */
export const spark: Spark = {
  sql: async statement => {
    const answer = await ask(statement)
    if ('ended' in answer) throw new Error(answer.ended)
    if ('error' in answer) throw new SparkError(answer.error.class, answer.error.message, statement)
    return { columns: answer.columns, rows: answer.rows.map(canonicalRow) }
  },
  run: async statements => {
    for (const statement of statements) await spark.sql(statement)
  },
}

function ask(sql: string): Promise<Answer> {
  const id = randomUUID()
  socket ??= open()
  const line = `${JSON.stringify({ id, sql })}\n`
  return new Promise(resolve => {
    waiting.set(id, resolve)
    socket?.write(line)
  })
}

function open(): Socket {
  const { port, token } = inject('spark')
  const opened = connect(port, '127.0.0.1')
  opened.write(`${token}\n`)
  const end = (why: string): void => {
    for (const [id, tell] of waiting) tell({ id, ended: why })
    waiting.clear()
    socket = undefined
  }
  opened.on('error', error => end(error.message)).on('close', () => end('The way to Spark was closed.'))
  createInterface({ input: opened }).on('line', line => {
    const answer = JSON.parse(line) as Answer
    waiting.get(answer.id)?.(answer)
    waiting.delete(answer.id)
  })
  return opened
}
