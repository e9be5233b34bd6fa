/**
 * From a plan of changes to one query: the table's columns, then `_change_type`, `_commit_version` and
 * `_commit_timestamp`. Rows of one kind in one version are scanned together, whatever number of files they lie in.
 */
import { type ChangePart, type ChangePlan, field, type ScanPlan, type VersionChanges } from '@tidemark/delta'
import { FILE_COLUMN, ROW_COLUMN } from '../engine.ts'
import { freeName } from '../free-name.ts'
import { ident, integer, join, raw, type Sql, sql, text } from '../sql.ts'
import { emptyRelation } from '../types.ts'
import { type ScanContext, scan } from './scan.ts'

const CHANGE_TYPE = '_change_type'

/** The query of a plan of changes; like a scan it holds as long as the session does, and throws what a scan throws. */
export async function scanChanges(context: ScanContext, plan: ChangePlan): Promise<Sql> {
  const parts: Sql[] = []
  for (const changes of plan.versions) {
    for (const kind of ['delete', 'insert', undefined] as const) {
      const files = changes.parts.filter(part => part.changeType === kind)
      const whole = files.filter(part => part.onlyRows === undefined)
      if (whole.length > 0)
        parts.push(stamped(changes, kind, await scan(context, scanPlan(plan, changes, whole), undefined)))
      for (const part of files) {
        if (part.onlyRows !== undefined)
          parts.push(stamped(changes, kind, await scanRows(context, plan, changes, part)))
      }
    }
  }
  if (parts.length > 0) return join(parts, ' UNION ALL ')
  const stamps = sql`CAST(NULL AS VARCHAR) AS _change_type, CAST(NULL AS BIGINT) AS _commit_version, \
CAST(NULL AS TIMESTAMP WITH TIME ZONE) AS _commit_timestamp`
  return sql`SELECT *, ${stamps} FROM (${emptyRelation(plan.schema)})`
}

function scanPlan(plan: ChangePlan, { version }: VersionChanges, parts: readonly ChangePart[]): ScanPlan {
  const { schema } = plan
  const isFeed = parts.some(part => part.changeType === undefined)
  return {
    ...plan,
    version,
    schema: isFeed ? { ...schema, fields: [...schema.fields, field(CHANGE_TYPE, 'string')] } : schema,
    files: parts.map(part => part.file),
  }
}

/** The named rows of one file. */
async function scanRows(
  context: ScanContext,
  plan: ChangePlan,
  changes: VersionChanges,
  part: ChangePart,
): Promise<Sql> {
  const rows = await context.deleted.ofSets([part.onlyRows])
  const file = { ...part, file: { ...part.file, deletedRows: undefined } }
  const taken = plan.schema.fields.map(column => column.name)
  const place = { file: freeName(FILE_COLUMN, taken), row: freeName(ROW_COLUMN, taken) }
  const all = await scan(context, scanPlan(plan, changes, [file]), place)
  return sql`SELECT * EXCLUDE (${ident(place.file)}, ${ident(place.row)}) FROM (${all}) f \
SEMI JOIN ${rows} r ON r.row = f.${ident(place.row)}`
}

function stamped({ version, timestamp }: VersionChanges, kind: ChangePart['changeType'], rows: Sql): Sql {
  const type = kind === undefined ? raw('') : sql`${text(kind)} AS _change_type, `
  return sql`SELECT *, ${type}CAST(${integer(version)} AS BIGINT) AS _commit_version, \
make_timestamptz(CAST(${integer(timestamp)} AS BIGINT) * 1000) AS _commit_timestamp FROM (${rows})`
}
