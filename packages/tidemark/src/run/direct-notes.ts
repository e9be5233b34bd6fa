/**
 * What a plan says of the way in which tables are read for the first time where DuckDB's extension was asked for: tried
 * once for a source, since whatever stands against it but a lock stands against it for all of them.
 */
import type { Engine } from '../engine/engine.ts'
import type { ResolvedTable } from '../ingest/resolve.ts'
import type { OpenSource } from './prepare.ts'

/** Gives the note of a table that is about to be loaded; undefined for a source that nobody wants to be read so. */
export function directNotes(
  engine: Pick<Engine, 'sessionBeside'>,
  { snapshot }: Pick<OpenSource, 'snapshot'>,
  signal: AbortSignal,
): (table: ResolvedTable) => Promise<string | undefined> {
  let tried: Promise<string> | undefined
  const tryOnce = async ({ table, columns }: ResolvedTable): Promise<string> => {
    const opened = await snapshot?.openDirect?.({ engine, table, columns, slice: { kind: 'all' }, signal })
    if (opened === undefined || typeof opened === 'string')
      return `read by COPY: ${opened ?? 'its extension was refused'}`
    await opened[Symbol.asyncDispose]()
    return 'read by DuckDB’s extension, which refuses no row for its length'
  }
  return async table => {
    if (snapshot?.openDirect === undefined) return undefined
    if (table.keys.length === 0) return 'read by COPY: without a key its rows are compared before they are replaced'
    tried ??= tryOnce(table)
    return await tried
  }
}
