/**
 * Scanning a Delta table with DuckDB: locate the plan's files, find out which columns each has, put their deleted rows
 * where a query can leave them out, and give the query.
 */
import { DeltaError, type HeldObject, isDeltaError, type ScanFile, type ScanPlan } from '@tidemark/delta'
import type { PlaceColumns } from '../engine.ts'
import type { Sql } from '../sql.ts'
import type { DeletedRows } from './deleted-rows.ts'
import type { Layout, Layouts, QueryRows } from './layouts.ts'
import { locateFile, type Places, storePathOf } from './location.ts'
import { type ScanGroup, scanSql } from './scan-sql.ts'
import type { ScannedFiles } from './scanned-files.ts'

/** What a session lends to a scan. */
export interface ScanContext {
  readonly places: Places
  readonly layouts: Layouts
  readonly scanned: ScannedFiles
  readonly query: QueryRows
  readonly deleted: DeletedRows
  /** Bring objects to where the store locates them. */
  hold(objects: readonly HeldObject[]): Promise<void>
}

interface LocatedFile {
  readonly file: ScanFile
  readonly location: string
}

/**
 * The query of a plan. It holds as long as the session does: deleted rows lie in the session's temporary tables.
 *
 * @throws PATH_INVALID, FILE_MISSING or FILE_INVALID naming the first file that cannot be read
 */
export async function scan(context: ScanContext, plan: ScanPlan, place: PlaceColumns | undefined): Promise<Sql> {
  const located = plan.files.map(file => ({ file, location: locateFile(context.places, plan, file.add.path) }))
  for (const { file, location } of located) context.scanned.add(plan, file.add.path, location)
  await holdFiles(context, plan)
  const layouts = await findLayouts(
    context,
    located.map(l => l.location),
  )
  const groups: ScanGroup[] = []
  for (const [layout, files] of Map.groupBy(located, l => layouts.get(l.location))) {
    if (layout === undefined) throw new TypeError('this is a bug in tidemark: a scanned file has no layout')
    const whole = files.filter(l => l.file.deletedRows === undefined)
    const partial = files.filter(l => l.file.deletedRows !== undefined)
    if (whole.length > 0) groups.push(groupOf(layout, whole, undefined))
    if (partial.length > 0)
      groups.push(
        groupOf(
          layout,
          partial,
          await context.deleted.ofFiles(
            plan.tablePath,
            partial.map(l => l.file),
          ),
        ),
      )
  }
  return scanSql(plan, groups, place)
}

/** Bring the files of a plan to this machine, where they do not lie there. */
async function holdFiles(context: ScanContext, { tablePath, version, files }: ScanPlan): Promise<void> {
  const named = new Map<string, string>()
  const objects = files.flatMap(({ add }) => {
    const path = storePathOf(context.places.store, tablePath, add.path)
    if (path === undefined) return []
    named.set(path, add.path)
    return [{ path, size: add.size }]
  })
  try {
    await context.hold(objects)
  } catch (error) {
    if (!isDeltaError(error, 'NOT_FOUND')) throw error
    const missing = String(error.details['path'])
    const file = named.get(missing) ?? missing
    const message = `The data file ${file}, which version ${version} of ${tablePath} needs, does not exist.`
    throw new DeltaError('FILE_MISSING', message, { tablePath, version, file }, error)
  }
}

function groupOf(layout: Layout, files: readonly LocatedFile[], deleted: Sql | undefined): ScanGroup {
  return { layout, files: files.map(l => l.file), locations: files.map(l => l.location), deleted }
}

async function findLayouts(
  { layouts, query, scanned }: ScanContext,
  locations: readonly string[],
): Promise<ReadonlyMap<string, Layout>> {
  try {
    return await layouts.find(query, locations)
  } catch (error) {
    const translated = scanned.translate(error)
    if (translated !== error) throw translated
    // DuckDB does not always say which file it means: the first one that fails by itself is the one.
    for (const location of locations) {
      await layouts.find(query, [location]).catch((one: unknown) => {
        throw one instanceof Error ? scanned.describe(location, one) : one
      })
    }
    throw error
  }
}
