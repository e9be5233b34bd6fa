/** `audit`: a table of a source against a copy that somebody else keeps, in a snapshot taken for it. */
import { AUDIT_NEEDS_KEY, AUDIT_SOURCE } from '../../errors/audit.ts'
import { Problem } from '../../errors/problem.ts'
import { type Audit, audit } from '../../ingest/audit.ts'
import { bronzeSchema } from '../../ingest/bronze-schema.ts'
import { readersOf } from '../../ingest/context.ts'
import type { Ids } from '../../model/ports.ts'
import type { Processes } from '../lease.ts'
import type { TableEntry } from '../../model/project.ts'
import { type Source, type TableRef, tableKey } from '../../sources/source.ts'
import { LAKE_NOT_WRITABLE } from '../../errors/run.ts'
import { toProblem } from '../problem-fact.ts'
import { type CopyPlace, openCopy, openCopyReader } from './open-copy.ts'

/** What is audited: a table of an open source, and what its entry says where there is one. */
export interface AuditedTable {
  source: Source
  ref: TableRef
  entry: Pick<TableEntry, 'primaryKey' | 'cdcCol' | 'asText'> | undefined
}

export interface AuditRequest {
  table: AuditedTable
  copy: CopyPlace
  /** Given on the command line; they go before what the entry and the database say. */
  keys: readonly string[] | undefined
  cursor: string | undefined
  ignore: readonly string[]
  /** What the engine may hold; its own default when undefined. */
  memory: string | undefined
  signal: AbortSignal
}

/**
 * Compare a table with its copy. Nothing is written on either side.
 *
 * @throws {AUDIT_NEEDS_KEY} nobody says what identifies a row
 * @throws {AUDIT_COLUMN} {AUDIT_TARGET} and the problems of reading a source
 */
export async function auditTable(
  ports: { ids: Ids; temporary: string; processes: Processes },
  { table, copy, keys, cursor, ignore, memory, signal }: AuditRequest,
): Promise<Audit> {
  const { source, ref, entry } = table
  await using reader = await openCopyReader(copy, { ...ports, memory })
  await using session = await reader.engine.session()
  const rows = await openCopy(reader, session, copy)
  const { scratch, discard } = reader
  if (scratch === undefined) throw LAKE_NOT_WRITABLE({ lake: ports.temporary, reason: 'nothing can be made in it' })
  const snapshot = await source.openSnapshot([ref], signal)
  try {
    const described = snapshot.tables.get(tableKey(ref))
    const label = `${ref.schema}.${ref.table}`
    if (described === undefined) throw AUDIT_SOURCE({ table: label, reason: 'the source does not describe it' })
    if (described instanceof Problem) throw described
    const named = keys ?? entry?.primaryKey ?? described.primaryKey
    if (named.length === 0) throw AUDIT_NEEDS_KEY({ table: label })
    const columns = source.carryAsText(described, entry?.asText ?? [])
    // Names that would get in each other's way are refused as they are on the way into a lake.
    bronzeSchema(described, columns)
    const { ids } = ports
    const context = { ...readersOf(source), ids, scratch, discard, progress: () => undefined, signal }
    const sides = { snapshot, table: described, columns, copy: rows }
    return await audit(context, session, { ...sides, keys: named, cursor: cursor ?? entry?.cdcCol, ignore })
  } catch (error) {
    if (signal.aborted) throw error
    throw toProblem(error, `${ref.schema}.${ref.table}`)
  } finally {
    await snapshot.close()
  }
}
