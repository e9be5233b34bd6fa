/** A copy to be audited: a Delta table, a folder of Parquet files, or one file, wherever on this machine it lies. */
import { basename, dirname, resolve } from 'node:path'
import { LocalStore } from '@tidemark/delta'
import type { Session } from '../../engine/engine.ts'
import { fileList } from '../../engine/file-list.ts'
import { type Sql, sql } from '../../engine/sql.ts'
import { AUDIT_TARGET } from '../../errors/audit.ts'
import { Problem } from '../../errors/problem.ts'
import type { Copy } from '../../ingest/audit.ts'
import type { Ids } from '../../model/ports.ts'
import type { Processes } from '../lease.ts'
import { findTable, readTable, scanTable } from '../delta-tables.ts'
import { kindOfPath, type LakeReader, openLakeReader } from '../lake.ts'

/** Where a copy lies, as it was asked for and absolute. */
export interface CopyPlace {
  path: string
  absolute: string
  isFolder: boolean
}

/** @throws {AUDIT_TARGET} nothing is there */
export async function findCopy(path: string, cwd: string): Promise<CopyPlace> {
  const absolute = resolve(cwd, path.replace(/^file:\/*(?=\/)/i, ''))
  const kind = await kindOfPath(absolute)
  if (kind === undefined) throw AUDIT_TARGET({ path, reason: 'there is no such folder or file' })
  return { path, absolute, isFolder: kind === 'folder' }
}

/** An engine that may read the copy's folder and nothing else. */
export function openCopyReader(
  { absolute, isFolder }: CopyPlace,
  ports: { ids: Ids; temporary: string; processes: Processes },
): Promise<LakeReader> {
  return openLakeReader(isFolder ? absolute : dirname(absolute), ports)
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
    const reason = error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error)
    throw AUDIT_TARGET({ path: place.path, reason }, { cause: error })
  }
}

async function relationOf(reader: LakeReader, session: Session, { path, absolute, isFolder }: CopyPlace): Promise<Sql> {
  if (!isFolder) return parquet([absolute])
  const folder = new LocalStore(absolute)
  const files: string[] = []
  for await (const { path: file } of folder.list('')) {
    if (file.startsWith('_delta_log/')) {
      const table = await findTable(reader, `delta.\`${absolute}\``, dirname(absolute))
      await readTable(table)
      return await scanTable(session, table, { name: basename(absolute) })
    }
    // Writers keep their own books, and what is not finished, in names that begin with one of these.
    const isHidden = file.split('/').some(part => part.startsWith('_') || part.startsWith('.'))
    if (!isHidden && /\.parquet$/i.test(file)) files.push(folder.locate(file))
  }
  if (files.length === 0) throw AUDIT_TARGET({ path, reason: 'it holds no Parquet file' })
  return parquet(files)
}

function parquet(files: readonly string[]): Sql {
  return sql`(SELECT * FROM read_parquet(${fileList(files)}, union_by_name = true))`
}
