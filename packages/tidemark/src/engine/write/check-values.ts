/**
 * Values that Parquet would take and no other reader of the table: infinite dates and timestamps. They are always the
 * least or the greatest of their column, so the statistics of a finished file tell.
 */
import { type DataType, DeltaError, physicalSchema, type WriteOptions } from '@tidemark/delta'
import type { FinishedFile } from './finished-file.ts'

const TIMES: ReadonlySet<DataType> = new Set(['date', 'timestamp', 'timestamp_ntz'])

/** Throw STAGE_INVALID naming the column of the first infinite value. */
export function refuseInfinite(options: WriteOptions, { statistics }: FinishedFile): void {
  for (const { path, type } of leavesOf(physicalSchema(options.schema, options.columnMapping ?? 'none'), [])) {
    const column = TIMES.has(type) ? statistics.get(path.map(quote).join('.')) : undefined
    if (!isInfinite(column?.get('min')) && !isInfinite(column?.get('max'))) continue
    const { tablePath } = options
    const name = path.join('.')
    throw new DeltaError('STAGE_INVALID', `Column ${name} of ${tablePath} would hold an infinite time.`, {
      tablePath,
      column: name,
    })
  }
}

/** All leaves by the paths that DuckDB names their statistics with. */
function leavesOf(type: DataType, path: readonly string[]): { path: readonly string[]; type: DataType }[] {
  if (typeof type === 'string') return [{ path, type }]
  if (type.type === 'struct') return type.fields.flatMap(f => leavesOf(f.type, [...path, f.name]))
  if (type.type === 'array') return leavesOf(type.elementType, [...path, 'element'])
  return [...leavesOf(type.keyType, [...path, 'key']), ...leavesOf(type.valueType, [...path, 'value'])]
}

function isInfinite(value: string | undefined): boolean {
  return value === 'infinity' || value === '-infinity'
}

function quote(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}
