/** Offsets in a text to places a person can find: file, line and column, both counted from 1. */
import type { Place } from '../../errors/problem.ts'
import type { Flow } from '../../model/flow.ts'

/** The place of `offset` in `text`, which itself begins at `origin` (1:1 of its file unless it is part of one). */
export function placeAt(text: string, offset: number, origin: Place, length = 1): Place {
  const before = text.slice(0, offset)
  const lines = before.split('\n').length - 1
  const column = offset - (before.lastIndexOf('\n') + 1) + 1
  return {
    file: origin.file,
    line: origin.line + lines,
    column: lines === 0 ? origin.column + column - 1 : column,
    length: Math.max(1, length),
  }
}

/** `file:line:column`, as editors and terminals read it. */
export function printPlace(place: Place): string {
  return `${place.file}:${place.line}:${place.column}`
}

/** Where a flow's query begins, else where the flow is declared. */
export function placeOfFlow(flow: Flow): Place | undefined {
  return (flow.kind === 'derived' ? undefined : flow.query?.place) ?? flow.place
}
