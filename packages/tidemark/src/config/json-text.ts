/**
 * Strict JSON to a ConfigNode. What hand-written lists usually break (a trailing comma, missing quotes, single quotes,
 * comments) is named, and reading goes on behind it, so that one look finds everything.
 */
import { CONFIG_SYNTAX } from '../errors/config.ts'
import type { Problem } from '../errors/problem.ts'
import { type Literal, readLiteral, readString, skipBlanks } from './json-token.ts'
import type { ConfigNode, MapEntry } from './node.ts'
import type { SourceText } from './source-text.ts'
import type { Parsed } from './yaml-text.ts'

const MAX_DEPTH = 64

/** One kind of mistake in a file: where it is first, and how often it occurs. */
export interface Mistake {
  reason: string
  fix: string
  start: number
  end: number
}

/** State of one parse: a position that only moves forward. */
export interface JsonCursor {
  readonly source: SourceText
  at: number
  mistake: (mistake: Mistake) => void
}

/** Thrown where reading cannot go on; never leaves this file. */
class Stop extends Error {}

/**
 * Parse JSON. Each kind of mistake is one Problem at its first place that says how often it occurs. A node is returned
 * beside mistakes whose meaning is plain, so that the entries behind them are checked too; callers must still stop.
 */
export function parseJson(source: SourceText): Parsed {
  const mistakes: Mistake[] = []
  const cursor: JsonCursor = { source, at: 0, mistake: mistake => mistakes.push(mistake) }
  try {
    const node = readValue(cursor, 0)
    skipBlanks(cursor)
    if (cursor.at < source.text.length)
      stop(cursor, 'something follows the end of the value', 'Keep one list in the file.')
    return { node, problems: group(source, mistakes) }
  } catch (error) {
    if (!(error instanceof Stop)) throw error
    return { node: undefined, problems: group(source, mistakes) }
  }
}

function group(source: SourceText, mistakes: readonly Mistake[]): Problem[] {
  return Array.from(Map.groupBy(mistakes, one => one.reason).values(), same => {
    const first = same[0] as Mistake
    const more = same.length > 1 ? ` (and in ${same.length - 1} more ${same.length === 2 ? 'place' : 'places'})` : ''
    const place = source.place(first.start, first.end)
    return CONFIG_SYNTAX({ format: 'JSON', reason: first.reason + more, fix: first.fix }, { place })
  })
}

function readValue(cursor: JsonCursor, depth: number): ConfigNode {
  skipBlanks(cursor)
  if (depth > MAX_DEPTH)
    stop(cursor, `it is nested more than ${MAX_DEPTH} levels deep`, 'A table list is a list of flat entries.')
  const start = cursor.at
  const next = cursor.source.text[start]
  if (next === undefined) stop(cursor, 'the text ends too early', 'Check that every [ and { is closed.')
  if (next === '[') return readList(cursor, depth)
  if (next === '{') return readMap(cursor, depth)
  const literal: Literal | undefined = next === '"' || next === "'" ? readString(cursor) : readLiteral(cursor)
  if (literal === undefined) return stop(cursor, `${JSON.stringify(next)} cannot start a value`, 'Put a value here.')
  return { kind: 'scalar', ...literal, place: cursor.source.place(start, cursor.at) }
}

function readList(cursor: JsonCursor, depth: number): ConfigNode {
  const start = cursor.at
  const items: ConfigNode[] = []
  readElements(cursor, ']', () => {
    items.push(readValue(cursor, depth + 1))
  })
  return { kind: 'list', items, place: cursor.source.place(start, cursor.at) }
}

function readMap(cursor: JsonCursor, depth: number): ConfigNode {
  const start = cursor.at
  const entries: MapEntry[] = []
  readElements(cursor, '}', () => {
    const keyStart = cursor.at
    const quote = cursor.source.text[keyStart]
    const key =
      quote === '"' || quote === "'" ? readString(cursor) : readLiteral(cursor, 'a key is not in double quotes')
    if (key === undefined) return stop(cursor, 'a key in double quotes is missing', 'Write "key": value.')
    const keyPlace = cursor.source.place(keyStart, cursor.at)
    if (entries.some(entry => entry.key === key.raw)) {
      cursor.mistake({
        reason: `the key ${JSON.stringify(key.raw)} is given twice`,
        fix: 'Keep one of the two.',
        start: keyStart,
        end: cursor.at,
      })
    }
    skipBlanks(cursor)
    if (cursor.source.text[cursor.at] !== ':')
      stop(cursor, `a colon is missing after ${JSON.stringify(key.raw)}`, 'Write "key": value.')
    cursor.at++
    entries.push({ key: key.raw, keyPlace, value: readValue(cursor, depth + 1) })
  })
  return { kind: 'map', entries, place: cursor.source.place(start, cursor.at) }
}

/** The elements between two brackets. A trailing or missing comma is a mistake that reading survives. */
function readElements(cursor: JsonCursor, close: string, readElement: () => void): void {
  cursor.at++
  skipBlanks(cursor)
  let comma: number | undefined
  for (;;) {
    const { text } = cursor.source
    if (cursor.at >= text.length) stop(cursor, `a closing ${close} is missing`, `Add ${close}.`)
    if (text[cursor.at] === close) break
    readElement()
    comma = undefined
    skipBlanks(cursor)
    if (text[cursor.at] === ',') {
      comma = cursor.at++
      skipBlanks(cursor)
    } else if (text[cursor.at] !== close && cursor.at < text.length) {
      if (text[cursor.at] === ']' || text[cursor.at] === '}' || text[cursor.at] === ':') {
        stop(
          cursor,
          `${JSON.stringify(text[cursor.at])} stands where a comma or ${close} should be`,
          'Check the brackets before this place.',
        )
      }
      cursor.mistake({
        reason: 'a comma is missing between two elements',
        fix: 'Add a comma before this.',
        start: cursor.at,
        end: cursor.at + 1,
      })
    }
  }
  if (comma !== undefined) {
    cursor.mistake({
      reason: 'a comma follows the last element',
      fix: 'Delete the comma.',
      start: comma,
      end: comma + 1,
    })
  }
  cursor.at++
}

function stop(cursor: JsonCursor, reason: string, fix: string): never {
  const start = Math.min(cursor.at, Math.max(0, cursor.source.text.trimEnd().length - 1))
  cursor.mistake({ reason, fix, start, end: start + 1 })
  throw new Stop()
}
