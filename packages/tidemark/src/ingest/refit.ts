/** The table of a piece of work as bronze is now, which other commits may have changed since the rows were read. */
import type { Snapshot } from '@tidemark/delta'
import { type Fitted, fitToBronze } from './drift.ts'
import type { ExtractTable, Work } from './work.ts'

/** The work on bronze as it is now; rows that were read for another form of it are of no use. */
export function refit(work: Work, declared: ExtractTable, current: Snapshot | undefined): Fitted {
  const wanted = fitToBronze(declared, current?.schema)
  if (formOf(wanted) !== formOf(work.wanted)) work.held = undefined
  work.wanted = wanted
  return wanted
}

function formOf({ columns, lake, settings }: Fitted): string {
  return JSON.stringify([columns.map(c => [c.name, c.deltaType]), lake.map(c => [c.name, c.type]), settings])
}
