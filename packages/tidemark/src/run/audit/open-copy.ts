/** A copy to be audited: a Delta table or a folder of Parquet files, on this machine or in a store, or one file of this machine. */
import { basename, dirname, resolve } from 'node:path'
import { type HeldObject, LocalStore, type ObjectStore } from '@tidemark/delta'
import { realPath } from '../../config/project-path.ts'
import type { Session } from '../../engine/engine.ts'
import { fileList } from '../../engine/file-list.ts'
import { type Sql, sql } from '../../engine/sql.ts'
import { firstLine } from '../../errors/first-line.ts'
import { AUDIT_TARGET } from '../../errors/audit.ts'
import { Problem } from '../../errors/problem.ts'
import type { Copy } from '../../ingest/audit.ts'
import { isElsewhere, type Outside, placeOutside, readTable, scanTable, splitTableAddress } from '../delta-tables.ts'
import { kindOfPath, type LakeReader, openLakeReader, type ReaderOptions, openStoreReader } from '../lake.ts'

/** Where a copy lies, as it was asked for and absolute, or in a store below the folder that is opened. */
export type CopyPlace =
  | { path: string; kind: 'folder' | 'file'; absolute: string }
  | { path: string; kind: 'elsewhere'; folder: string; open: (scratch: string) => Promise<ObjectStore> }

/**
 * @throws {AUDIT_TARGET} nothing is there
 * @throws {TABLE_ADDRESS} nothing can be there
 */
export async function findCopy(path: string, outside: Outside): Promise<CopyPlace> {
  if (isElsewhere(path)) {
    const { above, last } = splitTableAddress(path)
    return { path, kind: 'elsewhere', folder: last, open: scratch => outside.open(above, scratch) }
  }
  const absolute = resolve(outside.cwd, path.replace(/^file:\/*(?=\/)/i, ''))
  const kind = await kindOfPath(absolute)
  if (kind === undefined) throw AUDIT_TARGET({ path, reason: 'there is no such folder or file' })
  // A folder that is a link is read where it leads.
  return { path, kind, absolute: realPath(absolute) }
}

/** An engine that may read the copy's folder and nothing else. */
export function openCopyReader(place: CopyPlace, ports: Omit<ReaderOptions, 'folders'>): Promise<LakeReader> {
  if (place.kind === 'elsewhere') return openStoreReader(place.open, ports)
  return openLakeReader(place.kind === 'folder' ? place.absolute : dirname(place.absolute), ports)
}

/**
 * The rows of a copy.
 *
 * @throws {AUDIT_TARGET} there is neither a Delta table nor a Parquet file, or they cannot be read
 */
export async function openCopy(reader: LakeReader, session: Session, place: CopyPlace): Promise<Copy> {
  try {
    const relation = await relationOf(reader, session, place)
    return { relation, columns: await session.describe(sql`SELECT * FROM ${relation}`) }
  } catch (error) {
    if (error instanceof Problem) throw error
    throw AUDIT_TARGET({ path: place.path, reason: firstLine(error) }, { cause: error })
  }
}

async function relationOf(reader: LakeReader, session: Session, place: CopyPlace): Promise<Sql> {
  const { path } = place
  if (place.kind === 'file') return parquet([place.absolute])
  const [store, folder] =
    place.kind === 'elsewhere'
      ? [reader.store, place.folder]
      : [new LocalStore(dirname(place.absolute)), basename(place.absolute)]
  for await (const _ of store.list(`${folder}/_delta_log`)) {
    const table = placeOutside(reader, { name: `delta.\`${path}\``, store, tablePath: folder })
    await readTable(table)
    return await scanTable(session, table, { name: folder })
  }
  const files: HeldObject[] = []
  for await (const { path: file, size } of store.list(folder)) {
    // Writers keep their own books, and what is not finished, in names that begin with one of these.
    const isHidden = file
      .slice(folder.length)
      .split('/')
      .some(part => part.startsWith('_') || part.startsWith('.'))
    if (!isHidden && isParquetName(file) && size > 0) files.push({ path: file, size: BigInt(size) })
  }
  if (files.length === 0) throw AUDIT_TARGET({ path, reason: 'it holds no Parquet file' })
  await session.hold(files)
  return parquet(files.map(file => store.locate(file.path)))
}

/** Data Factory writes `orders_2026-11-26T08:00:00.1234567Z`: what has no ending is taken for Parquet, what has another is not. */
function isParquetName(path: string): boolean {
  const name = path.slice(path.lastIndexOf('/') + 1)
  return /\.parquet$/i.test(name) || !/\.[a-z]\w*$/i.test(name)
}

function parquet(files: readonly string[]): Sql {
  return sql`(SELECT * FROM read_parquet(${fileList(files)}, union_by_name = true))`
}
