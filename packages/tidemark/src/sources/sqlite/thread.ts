/**
 * The thread that holds a SQLite connection: the library answers synchronously, and a scan of minutes must not stop the
 * process. Rows become lines of JSON inside SQLite; no value becomes a text or a number of JavaScript on the way.
 */
import { DatabaseSync, type StatementSync } from 'node:sqlite'
import { statSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import { parentPort, workerData } from 'node:worker_threads'
import type { Answer, Chunk, Question, ThreadSettings } from './messages.ts'
import { Pager } from './pager.ts'

const { path, busyTimeoutMs } = workerData as ThreadSettings
const database = new DatabaseSync(path, {
  readOnly: true,
  timeout: busyTimeoutMs,
  allowExtension: false,
  // A name in double quotes that is no column must be an error, never a text.
  enableDoubleQuotedStringLiterals: false,
})

let pager: Pager | undefined
let rows: Iterator<unknown> | undefined
/** A row that did not fit into the chunk before it. */
let kept: Line | undefined

const LINE_FEED = 0x0a

/** A row as bytes, or how long it is where that is too much. */
type Line = Uint8Array | number

/** Rows of a small answer: each value as SQLite's own text, integers of 64 bits exact. */
function query(statement: StatementSync): (string | null)[][] {
  statement.setReadBigInts(true)
  statement.setReturnArrays(true)
  const answer = statement.all() as unknown as unknown[][]
  return answer.map(row => row.map(value => (value === null ? null : String(value))))
}

/** Whole rows up to about `chunkBytes`; undefined after the last. */
function nextChunk(chunkBytes: number): Chunk {
  let buffer = new Uint8Array(chunkBytes)
  let filled = 0
  let count = 0
  let longestRow = 0
  for (;;) {
    const line = kept ?? nextLine()
    kept = undefined
    if (line === undefined) break
    if (typeof line === 'number') {
      longestRow = line
      break
    }
    if (filled + line.length + 1 > buffer.length) {
      if (count > 0) {
        kept = line
        break
      }
      buffer = new Uint8Array(line.length + 1)
    }
    buffer.set(line, filled)
    filled += line.length
    buffer[filled++] = LINE_FEED
    count += 1
    if (line.length > longestRow) longestRow = line.length
  }
  return { kind: 'chunk', bytes: buffer.subarray(0, filled), rows: count, longestRow, isJudged: true, after: undefined }
}

function nextLine(): Line | undefined {
  const next = rows?.next()
  if (next === undefined || next.done === true) return undefined
  return (next.value as [Line])[0]
}

function stop(): void {
  rows?.return?.()
  rows = undefined
  pager = undefined
  kept = undefined
}

/**
 * In WAL mode a reader makes `-wal` and `-shm` where nobody has the file open, and as it may not write, SQLite leaves them
 * behind: they are this user's then, and the application may not be able to write them. A connection that could write takes
 * them away when it is the last. A log with anything in it is left alone, so that no page of the database is ever written.
 */
function tidyLog(): void {
  if (statSync(`${path}-wal`, { throwIfNoEntry: false })?.size !== 0) return
  try {
    // Never one that makes the database: it may be gone by now.
    const last = new DatabaseSync(`${pathToFileURL(path).href}?mode=rw`, { timeout: 0, allowExtension: false })
    try {
      last.exec('PRAGMA query_only = ON; SELECT count(*) FROM sqlite_schema')
    } finally {
      last.close()
    }
  } catch {
    // Somebody is at work there, or this user may not write: then they stay.
  }
}

function answer(question: Question): Answer {
  switch (question.kind) {
    case 'query':
      return { kind: 'rows', rows: query(database.prepare(question.statement)) }
    case 'execute':
      database.exec(question.statement)
      return { kind: 'rows', rows: [] }
    case 'copy': {
      stop()
      const statement = database.prepare(question.statement)
      statement.setReturnArrays(true)
      rows = statement.iterate()
      return { kind: 'rows', rows: [] }
    }
    case 'pages':
      stop()
      pager = new Pager(database, question.statements, question.after)
      return { kind: 'rows', rows: [] }
    case 'next':
      return pager?.next(question.chunkBytes) ?? nextChunk(question.chunkBytes)
    case 'stop':
      stop()
      return { kind: 'rows', rows: [] }
    case 'close':
      stop()
      database.close()
      tidyLog()
      parentPort?.close()
      return { kind: 'rows', rows: [] }
  }
}

parentPort?.on('message', ({ id, question }: { id: number; question: Question }) => {
  try {
    const given = answer(question)
    if (given.kind === 'chunk') parentPort?.postMessage({ id, answer: given }, [given.bytes.buffer as ArrayBuffer])
    else parentPort?.postMessage({ id, answer: given })
  } catch (error) {
    const { message, errcode = 0 } = error as Error & { errcode?: number }
    parentPort?.postMessage({ id, answer: { kind: 'failed', message, errcode } satisfies Answer })
  }
})
