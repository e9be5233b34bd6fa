/**
 * The lines of a log file: newline-delimited JSON, which commits, compacted logs and V2 checkpoints are made of.
 */
import { DeltaError } from '../errors.ts'
import type { Line, LineParser } from './parse-action.ts'

/** Which file is read, for messages. */
export interface LogFile {
  readonly version: bigint
  /** Name inside `_delta_log`. */
  readonly file: string
}

/**
 * Parse every line of a file. Throws LOG_INVALID with `details: { version, file, line }`; a file without any line is
 * refused too, since no writer makes one, and a torn write does.
 */
export function* parseLines(file: LogFile, bytes: Uint8Array, parse: LineParser): Generator<Line> {
  const content = decode(file, bytes)
  let isEmpty = true
  for (let start = 0, line = 1; start < content.length; line += 1) {
    const newline = content.indexOf('\n', start)
    const end = newline === -1 ? content.length : newline
    const text = content.slice(start, end)
    start = end + 1
    if (text.trim() === '') continue
    isEmpty = false
    const parsed = parseLine(file, line, text, parse)
    if (parsed !== undefined) yield parsed
  }
  if (isEmpty) throw logInvalid(file, undefined, new TypeError('it is empty'))
}

function parseLine(file: LogFile, line: number, text: string, parse: LineParser): Line | undefined {
  try {
    return parse(text)
  } catch (cause) {
    throw logInvalid(file, line, cause)
  }
}

function decode(file: LogFile, bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (cause) {
    throw logInvalid(file, undefined, cause)
  }
}

function logInvalid({ version, file }: LogFile, line: number | undefined, cause: unknown): DeltaError {
  const reason = cause instanceof Error ? cause.message : String(cause)
  const place = line === undefined ? file : `${file}, line ${line}`
  const details = { version, file, line }
  const message = `Version ${version} cannot be read (${place}): ${reason.replace(/\.$/, '')}.`
  return new DeltaError('LOG_INVALID', message, details, cause)
}
