/**
 * Changes at random of how a table lies and of its columns.
 */
import {
  evolvedSchema,
  columnMappingOf,
  field,
  stageAlter,
  stageAppend,
  stageMetadata,
  stageOptimize,
} from '@tidemark/delta'
import { toolsOf } from '../interop/own-lake.ts'
import { type HistoryChange, type HistoryContext, info, type Maker, writeRows } from './change.ts'
import { randomRows, rowsQuery, WIDER, wideText } from './model.ts'
import { append, merge, overwrite, overwriteWhere, remove, replaceKeys, update } from './row-changes.ts'

const optimize: Maker = ({ random, table, snapshot: now, lake, session }) => {
  const { partitionColumns } = now.metaData
  const columns = table.columns.map(({ name }) => name).filter(name => !partitionColumns.includes(name))
  const zOrderBy = random.chance(0.4) ? [random.pick(columns), random.pick(columns)] : undefined
  const targetFileBytes = random.pick([1000n, 4000n, 1_000_000n])
  return {
    name: `optimize ${JSON.stringify(zOrderBy)} ${String(targetFileBytes)}`,
    stage: snapshot =>
      stageOptimize({
        snapshot,
        zOrderBy: zOrderBy && [...new Set(zOrderBy)],
        targetFileBytes,
        ...toolsOf(lake, session),
      }),
    apply: before => before,
  }
}

const toggleVectors: Maker = ({ random }) => {
  const value = random.chance(0.6) ? 'true' : 'false'
  return {
    name: `deletion vectors ${value}`,
    stage: async snapshot =>
      stageMetadata(snapshot, {
        configuration: { 'delta.enableDeletionVectors': value },
        info: info('SET TBLPROPERTIES'),
      }),
    apply: before => before,
  }
}

/** New rows bring a new column. */
const addColumn: Maker = context => {
  const { random, table } = context
  const added = context.snapshot.version + 1n
  const type = random.pick(['integer', 'string', 'double', 'timestamp', 'decimal(37,2)'])
  const column = { key: `c${added}`, name: random.pick([`c${added}`, `C.${added}`, `c \`${added}"`]), type }
  const isPlain = columnMappingOf(context.snapshot) === 'none'
  const wanted = isPlain ? { ...column, name: column.key } : column
  const after = { ...table, columns: [...table.columns, wanted] }
  const rows = randomRows(random, after, 4)
  return {
    name: `add column ${wanted.name} ${type}`,
    altersColumns: true,
    stage: async snapshot => {
      const schema = evolvedSchema(snapshot, {
        type: 'struct',
        fields: [...snapshot.schema.fields, field(wanted.name, type)],
      })
      const files = await writeRows(context, snapshot, rowsQuery(after, rows), schema)
      return stageAppend(snapshot, { files, schema, info: info('WRITE') })
    },
    apply: before => ({ columns: [...before.columns, wanted], rows: [...before.rows, ...rows] }),
  }
}

/** Only where columns are mapped. */
const renameColumn: Maker = ({ random, table, snapshot }) => {
  const added = snapshot.version + 1n
  const column = random.pick(table.columns)
  const name = random.pick([`r${added}`, `r.${added}`, `r\`${added}`, `r ${added},;{}()=`, `é${added}`])
  return {
    name: `rename ${column.name} to ${name}`,
    altersColumns: true,
    stage: async snapshot =>
      stageAlter(snapshot, {
        alterations: [{ kind: 'rename column', column: [column.name], name }],
        info: info('RENAME COLUMN'),
      }),
    apply: before => ({
      ...before,
      columns: before.columns.map(one => (one.key === column.key ? { ...one, name } : one)),
    }),
  }
}

const dropColumn: Maker = context => {
  const { random, table } = context
  const droppable = table.columns.filter(({ key }) => key.startsWith('c'))
  if (droppable.length === 0) return addColumn(context)
  const column = random.pick(droppable)
  return {
    name: `drop ${column.name}`,
    altersColumns: true,
    stage: async snapshot =>
      stageAlter(snapshot, {
        alterations: [{ kind: 'drop column', column: [column.name] }],
        info: info('DROP COLUMNS'),
      }),
    apply: before => ({
      columns: before.columns.filter(({ key }) => key !== column.key),
      rows: before.rows.map(({ [column.key]: _gone, ...row }) => row),
    }),
  }
}

/** Only where types may be widened. */
const widen: Maker = context => {
  const { random, table } = context
  const [column] = table.columns.filter(({ type }) => type in WIDER).filter(() => random.chance(0.5))
  if (column === undefined) return append(context)
  const type = random.pick(WIDER[column.type] ?? [])
  const widened = (value: string | null | undefined): string | null =>
    value === null || value === undefined ? null : wideText(value, column.type, type)
  return {
    name: `widen ${column.name} from ${column.type} to ${type}`,
    altersColumns: true,
    stage: async snapshot =>
      stageAlter(snapshot, {
        alterations: [{ kind: 'widen type', column: [column.name], type }],
        info: info('CHANGE COLUMN'),
      }),
    apply: before => ({
      columns: before.columns.map(one => (one.key === column.key ? { ...one, type } : one)),
      rows: before.rows.map(row => ({ ...row, [column.key]: widened(row[column.key]) })),
    }),
  }
}

const ANYWHERE: readonly Maker[] = [
  ...[append, append, append, merge, merge, merge, remove, remove, update, update],
  ...[overwriteWhere, replaceKeys, optimize, optimize, overwrite, toggleVectors, addColumn],
]

/** A change that the table allows. */
export function randomChange(context: HistoryContext): HistoryChange {
  const { random, snapshot } = context
  const isWidening = snapshot.configuration['delta.enableTypeWidening'] === 'true'
  const isMapped = columnMappingOf(snapshot) !== 'none'
  const makers = [...ANYWHERE, ...(isMapped ? [renameColumn, dropColumn] : []), ...(isWidening ? [widen] : [])]
  return random.pick(makers)(context)
}
