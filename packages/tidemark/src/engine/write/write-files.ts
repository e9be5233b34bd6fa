/**
 * Writing a query's rows as data files of a Delta table. Rows of plain tables stream straight into files; those of
 * partitioned tables, and those that are to be sorted, are staged first.
 */
import { type BegunFiles, DeltaError, type ObjectStore, type WriteOptions } from '@tidemark/delta'
import type { Ids } from '../../model/ports.ts'
import type { Scratch } from '../duckdb-scratch.ts'
import { ident, join, type Sql, sql } from '../sql.ts'
import { copyStatement } from './copy.ts'
import { finishedFiles } from './finished-file.ts'
import { withKnownBounds } from './one-value.ts'
import { INFINITE_MARK } from './partition-columns.ts'
import { fieldIds, NOT_NULL_MARK, physicalColumns } from './physical.ts'
import { publishFiles } from './publish.ts'
import { PIECES, type Query, type StagedFile, writeStaged } from './stage-rows.ts'

export interface WritePorts {
  readonly store: ObjectStore
  readonly ids: Pick<Ids, 'uuid'>
  readonly scratch: Scratch
  readonly query: Query
  temporaryTable(hint: string): Sql
}

/**
 * Write the rows and begin to publish the files, in that order; no rows, no file. It resolves when the rows are written.
 * Nothing is part of the table before a commit names it.
 *
 * @throws STAGE_INVALID for a NULL where the schema forbids it, and for values that no reader would understand
 */
export async function beginFiles(ports: WritePorts, rows: Sql, options: WriteOptions): Promise<BegunFiles> {
  const id = ports.ids.uuid()
  const isPlain = (options.partitionColumns ?? []).length === 0 && options.orderBy === undefined
  const written = Promise.withResolvers<void>()
  const published = ports.scratch.inFolder(id, [PIECES], async folder => {
    const files = isPlain
      ? await writePlain(ports.query, rows, options, `${folder}/${PIECES}`)
      : await writeStaged({ ...ports, folder }, rows, options)
    written.resolve()
    const known = files.map(file => withKnownBounds(file, options))
    return await publishFiles(ports, known, options, id)
  })
  // Whoever waits for the files is told; nobody may be waiting yet.
  published.catch(written.reject)
  try {
    await written.promise
  } catch (error) {
    throw findBadValue(error, options.tablePath) ?? error
  }
  return { published }
}

async function writePlain(query: Query, rows: Sql, options: WriteOptions, folder: string): Promise<StagedFile[]> {
  const columns = physicalColumns(options).map(({ name, value }) => sql`${value} AS ${ident(name)}`)
  const target = { kind: 'rotating', folder, fileBytes: options.targetFileBytes } as const
  const copy = copyStatement(sql`SELECT ${join(columns)} FROM (${rows})`, target, {
    columnCount: columns.length,
    fieldIds: fieldIds(options),
    configuration: options.configuration,
  })
  return finishedFiles(await query(copy)).map(file => ({ ...file, partitionValues: {} }))
}

/** The error that a value ended the query with, as one about its column. */
function findBadValue(error: unknown, tablePath: string): DeltaError | undefined {
  if (!(error instanceof Error)) return undefined
  for (const [mark, reason] of [
    [NOT_NULL_MARK, 'is NULL in a row, and the table forbids it'],
    [INFINITE_MARK, 'has an infinite value, which no partition can have'],
  ] as const) {
    const [, found] = error.message.split(mark)
    if (found === undefined) continue
    const column = found.replace(/\n[^]*$/, '')
    const message = `Column ${column} of ${tablePath} ${reason}. Nothing was added to the table.`
    return new DeltaError('STAGE_INVALID', message, { tablePath, column }, error)
  }
  return undefined
}
