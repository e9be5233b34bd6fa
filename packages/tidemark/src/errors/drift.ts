/** Problems of columns that are not as they were in the source. */
import { type ProblemKind, problem } from './problem.ts'

export const COLUMN_DRIFT: ProblemKind<{ table: string; changes: string; drift: string }> = problem({
  code: 'COLUMN_DRIFT',
  title: 'Columns of a source table changed, and `drift` says to stop.',
  message: (p: { table: string; changes: string; drift: string }) => `${p.table}: ${p.changes} (drift: ${p.drift}).`,
  hint: () =>
    'Set `drift` to addNewColumns or rescue to go on with what fits and keep the rest in _rescued_data, leave a new column out by exclude_columns, or give the entry another name (a new full load); the old table stays as it is.',
  retry: 'after-change',
  exit: 1,
  example: { table: 'bronze.DimUser', changes: 'city is new', drift: 'failOnNewColumns' },
})

interface RetypedKey {
  table: string
  column: string
  as: string
  was: string
  is: string
  /** The new type holds every value of the old one. */
  canGrow: boolean
}

export const KEY_RETYPED: ProblemKind<RetypedKey> = problem<RetypedKey>({
  code: 'KEY_RETYPED',
  title: 'A key column or the cdc_col has another type.',
  message: p =>
    `${p.table}: ${p.column}, ${p.as === 'key' ? 'part of the key' : 'the cdc_col'}, was ${p.was} and is now ${p.is}.`,
  hint: p => {
    const grow = p.canGrow ? 'Write "drift": "addNewColumnsWithTypeWidening", so that its type grows, or give' : 'Give'
    const without = p.as === 'key' ? '' : '; without cdc_col it is a column like any other'
    return `${grow} the entry another name: the table is loaded anew, and the old one stays as it is${without}.`
  },
  retry: 'after-change',
  exit: 1,
  example: { table: 'bronze.DimUser', column: 'user_id', as: 'key', was: 'integer', is: 'long', canGrow: true },
})
