/**
 * Changes of rows at random.
 */
import {
  type Assignments,
  type RowChange,
  stageAppend,
  stageChange,
  stageDelete,
  stageOverwrite,
  stageOverwriteWhere,
  stageReplaceKeys,
  stageUpdate,
} from '@tidemark/delta'
import { predicateSql } from '../../../packages/tidemark/src/engine/predicate.ts'
import { ident, type Sql, sql, text } from '../../../packages/tidemark/src/engine/sql.ts'
import { toolsOf } from '../interop/own-lake.ts'
import { info, type Maker, writeRows } from './change.ts'
import { type ModelRow, randomPredicate, randomRows, randomValue, rowsQuery } from './model.ts'

export const append: Maker = context => {
  const { random, table } = context
  const rows = randomRows(random, table, random.pick([0, 1, 5, 40]))
  return {
    name: `append ${rows.length}`,
    stage: async snapshot => {
      const files = await writeRows(context, snapshot, rowsQuery(table, rows), snapshot.schema)
      return stageAppend(snapshot, { files, reads: { kind: 'none' }, info: info('WRITE') })
    },
    apply: before => ({ ...before, rows: [...before.rows, ...rows] }),
  }
}

export const overwrite: Maker = context => {
  const { random, table } = context
  const rows = randomRows(random, table, random.pick([0, 30]))
  return {
    name: `overwrite ${rows.length}`,
    stage: async snapshot => {
      const files = await writeRows(context, snapshot, rowsQuery(table, rows), snapshot.schema)
      return stageOverwrite(snapshot, { files, reads: { kind: 'table' }, info: info('WRITE') })
    },
    apply: before => ({ ...before, rows }),
  }
}

export const overwriteWhere: Maker = context => {
  const { random, table, lake, session } = context
  const { predicate, holds } = randomPredicate(random, table)
  const rows = randomRows(random, table, 8).filter(row => holds(row) === true)
  return {
    name: `overwrite ${rows.length} where ${JSON.stringify(predicate)}`,
    stage: async snapshot => {
      const request = { snapshot, where: predicate, rows: rowsQuery(table, rows), info: info('WRITE') }
      return (await stageOverwriteWhere({ ...request, ...toolsOf(lake, session) })).staged
    },
    apply: before => ({ ...before, rows: [...before.rows.filter(row => holds(row) !== true), ...rows] }),
  }
}

export const remove: Maker = context => {
  const { random, table, lake, session } = context
  const { predicate, holds } = randomPredicate(random, table)
  return {
    name: `delete where ${JSON.stringify(predicate)}`,
    stage: async snapshot => {
      const request = { snapshot, where: predicate, info: info('DELETE') }
      return (await stageDelete({ ...request, ...toolsOf(lake, session) })).staged
    },
    apply: before => ({ ...before, rows: before.rows.filter(row => holds(row) !== true) }),
  }
}

/** Gives a column a new value in the rows for which a condition holds. */
export const update: Maker = context => {
  const { random, table, lake, session } = context
  const { predicate, holds } = randomPredicate(random, table)
  const column = random.pick(table.columns)
  const value = randomValue(random, column)
  return {
    name: `update ${column.name} to ${String(value)} where ${JSON.stringify(predicate)}`,
    stage: async snapshot => {
      const set: Assignments<Sql> = new Map([[column.name, { expression: value === null ? sql`NULL` : text(value) }]])
      const request = { snapshot, where: predicate, set, info: info('UPDATE') }
      return (await stageUpdate({ ...request, ...toolsOf(lake, session) })).staged
    },
    apply: before => ({
      ...before,
      rows: before.rows.map(row => (holds(row) === true ? { ...row, [column.key]: value } : row)),
    }),
  }
}

/** One row of the source for each key, so that nothing is ambiguous. */
function oneForEachKey(rows: readonly ModelRow[]): ModelRow[] {
  return [...new Map(rows.map(row => [row['id'], row])).values()]
}

export const merge: Maker = context => {
  const { random, table, lake, session, snapshot: now } = context
  const source = oneForEachKey(randomRows(random, table, random.pick([1, 6, 25])))
  const bySource = new Map(source.map(row => [row['id'], row]))
  const matched = random.pick(['update', 'delete', 'nothing'] as const)
  const inserts = random.chance(0.7)
  const other = random.chance(0.25) ? randomPredicate(random, table) : undefined
  const set: Assignments<Sql> = new Map(table.columns.map(({ name }) => [name, { source: name }]))
  const idName = table.columns.find(({ key }) => key === 'id')?.name ?? 'id'
  return {
    name: `merge ${source.length}: matched ${matched}, ${inserts ? 'inserts' : 'no inserts'}, others ${JSON.stringify(other?.predicate)}`,
    stage: async snapshot => {
      const change: RowChange<Sql, Sql> = {
        source: { rows: rowsQuery(table, source), keys: [{ target: idName, source: idName }] },
        matched: matched === 'nothing' ? [] : matched === 'delete' ? [{ kind: 'delete' }] : [{ kind: 'update', set }],
        notMatched: inserts ? [{ values: set }] : [],
        ...(other === undefined
          ? {}
          : {
              notMatchedBySource: [
                { kind: 'delete' as const, when: predicateSql(other.predicate, now.schema, 'target') },
              ],
            }),
      }
      return (await stageChange({ snapshot, change, info: info('MERGE'), ...toolsOf(lake, session) })).staged
    },
    apply: before => {
      const keys = new Set(before.rows.map(row => row['id']))
      const kept = before.rows.flatMap(row => {
        const match = bySource.get(row['id'])
        if (match === undefined) return other?.holds(row) === true ? [] : [row]
        return matched === 'nothing' ? [row] : matched === 'delete' ? [] : [{ ...row, ...match }]
      })
      return { ...before, rows: inserts ? [...kept, ...source.filter(row => !keys.has(row['id']))] : kept }
    },
  }
}

export const replaceKeys: Maker = context => {
  const { random, table, lake, session } = context
  const rows = randomRows(random, table, 5)
  const idName = table.columns.find(({ key }) => key === 'id')?.name ?? 'id'
  return {
    name: 'replace keys',
    stage: async snapshot => {
      const query = rowsQuery(table, rows)
      const keys = sql`SELECT ${ident(idName)} FROM (${query})`
      const request = { snapshot, keys, keyColumns: [idName], rows: query, info: info('MERGE') }
      return stageReplaceKeys({ ...request, ...toolsOf(lake, session) })
    },
    apply: before => {
      const ids = new Set(rows.map(row => row['id']))
      return { ...before, rows: [...before.rows.filter(row => !ids.has(row['id'])), ...rows] }
    },
  }
}
