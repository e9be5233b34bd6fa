/**
 * What an entry of the table list may hold: the one description behind validation, suggestions and editors' help.
 * Messages complete the sentence "`key` must be …".
 */
import { z } from 'zod'
import { DRIFT_MODES, type DriftMode, type Guarantee, type Mask } from '../model/project.ts'

export type OneOrMany = string | string[]

/** One transformation as written: a map with exactly one of these keys. */
export interface TransformInput {
  rename?: Record<string, string> | undefined
  cast?: Record<string, string> | undefined
  trim?: OneOrMany | undefined
  upper?: OneOrMany | undefined
  lower?: OneOrMany | undefined
  replace?: { column: string; find: string; with: string } | undefined
  derive?: Record<string, string> | undefined
  drop?: OneOrMany | undefined
}

export interface SilverInput {
  transform?: TransformInput[] | undefined
  expect?: Record<string, string> | undefined
  expect_or_drop?: Record<string, string> | undefined
  expect_or_fail?: Record<string, string> | undefined
  properties?: Record<string, string | number | boolean> | undefined
}

export interface EntryInput {
  schema: string
  table: string
  cdc_col?: string | null | undefined
  from_date?: string | null | undefined
  primary_key?: OneOrMany | null | undefined
  columns?: OneOrMany | undefined
  exclude_columns?: OneOrMany | undefined
  name?: string | undefined
  exclude?: OneOrMany | undefined
  deletes?: 'detect' | 'ignore' | undefined
  guarantee?: Guarantee | undefined
  lag?: string | undefined
  full_pass?: string | undefined
  null_cursor?: 'error' | 'include' | 'exclude' | undefined
  filter?: string | undefined
  masks?: Record<string, Mask | null> | undefined
  as_text?: OneOrMany | undefined
  drift?: DriftMode | undefined
  silver?: SilverInput | undefined
}

/** What each word of `drift` means, for people. */
const DRIFT_WORDS =
  'addNewColumns adds new ones and puts values that no longer fit into _rescued_data; addNewColumnsWithTypeWidening also lets types grow; rescue changes no column and puts values of new ones there too; failOnNewColumns stops at any change; none reads no new column and stops at another type.'

export const driftSchema: z.ZodType<DriftMode> = z.enum(DRIFT_MODES)

const filled = (expected: string): z.ZodString => z.string({ error: expected }).min(1, { error: expected })
const names = (expected: string): z.ZodType<OneOrMany> =>
  z.union([filled(expected), z.array(filled(expected))], { error: `${expected} or a list of them` })
const columns = names('a column name')
const expressions = z.record(z.string(), filled('a SQL condition'), { error: 'a map from rule name to SQL condition' })

const transform: z.ZodType<TransformInput> = z
  .strictObject({
    rename: z
      .record(z.string(), filled('the new column name'))
      .optional()
      .meta({ description: 'Give columns another name: { old: new }.' }),
    cast: z
      .record(z.string(), filled('a type name such as long or decimal(10,2)'))
      .optional()
      .meta({ description: 'Change column types: { column: type }.' }),
    trim: columns.optional().meta({ description: 'Remove blanks at both ends of these columns.' }),
    upper: columns.optional().meta({ description: 'Make these columns upper case.' }),
    lower: columns.optional().meta({ description: 'Make these columns lower case.' }),
    replace: z
      .strictObject({
        column: filled('a column name'),
        find: filled('the text to replace'),
        with: z.string({ error: 'a text' }),
      })
      .optional()
      .meta({ description: 'Replace every occurrence of a text in a column.' }),
    derive: expressions.optional().meta({ description: 'Add or overwrite columns: { column: SQL expression }.' }),
    drop: names('a column name or pattern').optional().meta({ description: 'Drop columns by name or pattern with *.' }),
  })
  .meta({ minProperties: 1, maxProperties: 1 })

export const silverSchema: z.ZodType<SilverInput> = z.strictObject({
  transform: z
    .array(transform, { error: 'a list of transformations such as { trim: user_name }' })
    .optional()
    .meta({ description: 'Column transformations from bronze to silver, in this order.' }),
  expect: expressions.optional().meta({ description: 'Rules that are counted when broken: { name: SQL condition }.' }),
  expect_or_drop: expressions.optional().meta({ description: 'Rules whose offenders go to quarantine.' }),
  expect_or_fail: expressions.optional().meta({ description: 'Rules that stop the table when broken.' }),
  properties: z
    .record(z.string(), z.union([z.string(), z.number(), z.boolean()]), { error: 'a map from property name to value' })
    .optional()
    .meta({ description: 'Properties of the Delta table, such as { delta.enableDeletionVectors: true }.' }),
})

export const entrySchema: z.ZodType<EntryInput> = z
  .strictObject({
    schema: filled('the schema of the table').meta({ description: 'Schema in the source.' }),
    table: filled('a table name or a pattern with *').meta({
      description: 'Table in the source, or a pattern with *.',
    }),
    cdc_col: z
      .string({ error: 'a column name' })
      .nullable()
      .optional()
      .meta({ description: 'Column that orders the versions of a row and bounds backfills.' }),
    from_date: z
      .string({ error: 'a text such as "2025-01-01"' })
      .nullable()
      .optional()
      .meta({ description: 'One-shot backfill from this value of cdc_col, inclusive; empty for none.' }),
    primary_key: columns.nullable().optional().meta({ description: 'Key columns, when the source declares none.' }),
    columns: names('a column name or pattern').optional().meta({
      description: 'The only columns to read, by name or pattern with *; all when left out.',
    }),
    exclude_columns: names('a column name or pattern').optional().meta({
      description: 'Columns that are not read, by name or pattern with *: their values never leave the source.',
    }),
    name: filled('a name').optional().meta({ description: 'Name in the lake, instead of the table name.' }),
    exclude: names('a table name or pattern').optional().meta({ description: 'Tables a pattern leaves out.' }),
    deletes: z
      .enum(['detect', 'ignore'])
      .optional()
      .meta({ description: 'Whether rows deleted in the source are found by a scan of the keys.', default: 'detect' }),
    guarantee: z.enum(['exact', 'server_clock', 'bounded_lag', 'best_effort']).optional().meta({
      description:
        'Guarantee to read with, instead of the best one possible: exact (A), server_clock (B: cdc_col is set by the server in every write), bounded_lag (C), best_effort (D, promises nothing).',
    }),
    lag: z
      .string({ error: 'a time such as 10m' })
      .optional()
      .meta({ description: 'For bounded_lag: longer than any transaction and any clock error; 1h when left out.' }),
    full_pass: z.string({ error: 'a time such as 24h' }).optional().meta({
      description:
        'Read only the index of cdc_col, and all of the table whenever this time has passed: what a cursor cannot show, deletes among it, is found then.',
    }),
    null_cursor: z.enum(['error', 'include', 'exclude']).optional().meta({
      description:
        'What rows with NULL in cdc_col mean: error stops where the table is read by it, include reads them in every run, exclude leaves them out however the table is read.',
      default: 'error',
    }),
    filter: filled('a SQL condition').optional().meta({
      description:
        'Condition in the SQL of the source over the columns of one row: only rows that meet it belong to the table.',
    }),
    masks: z
      .record(z.string(), z.enum(['hash', 'partial', 'null'], { error: 'hash, partial or null' }).nullable())
      .optional()
      .meta({
        description:
          'Columns whose values never land as they are: { column: hash | partial | null }. hash needs `salt` on the source.',
      }),
    as_text: columns
      .optional()
      .meta({ description: 'Columns to carry as text because their values do not fit a type.' }),
    drift: driftSchema.optional().meta({
      description: `What happens when columns of the source change: ${DRIFT_WORDS} The source's own \`drift\` when left out.`,
    }),
    silver: silverSchema.optional().meta({ description: 'How the silver table is derived.' }),
  })
  .meta({ description: 'One table, or all tables that a pattern matches.', patternProperties: { '^x_': {} } })
