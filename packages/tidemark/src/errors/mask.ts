/** Problems of masks: what cannot be masked, what they need, and what must not be said of masked rows. */
import { type ProblemKind, problem } from './problem.ts'

export const MASK_NEEDS_SALT: ProblemKind<{ table: string; source: string; reason: string }> = problem({
  code: 'MASK_NEEDS_SALT',
  title: 'Values cannot be hashed without a salt.',
  message: (p: { table: string; source: string; reason: string }) =>
    `${p.table}: values are to be hashed, and source ${p.source} cannot do it: ${p.reason}.`,
  hint: () =>
    'Write `salt: { secret: env:NAME }` on the source, with at least 16 random characters behind it, and keep it.',
  retry: 'after-change',
  exit: 2,
  example: { table: 'public.customers', source: 'app', reason: 'the source has no salt' },
})

export const MASK_REFUSED: ProblemKind<{ table: string; column: string; as: 'key' | 'cdc_col' }> = problem({
  code: 'MASK_REFUSED',
  title: 'A column that the table is read by cannot be masked.',
  message: (p: { table: string; column: string; as: 'key' | 'cdc_col' }) =>
    `${p.table}: ${p.column} is ${p.as === 'key' ? 'part of the key' : 'its cdc_col'} and cannot be masked.`,
  hint: () => 'Take the column out of `masks`, or read the table by another key or cdc_col.',
  retry: 'after-change',
  exit: 2,
  example: { table: 'public.customers', column: 'email', as: 'key' as 'key' | 'cdc_col' },
})

export const MASKED_ROWS_FAILED: ProblemKind<{ reason: string }> = problem({
  code: 'MASKED_ROWS_FAILED',
  title: 'Rows with masked columns could not be read.',
  message: (p: { reason: string }) =>
    `The engine answered with ${p.reason} while rows with masked columns were read; its words may hold values and are not shown.`,
  hint: () =>
    'To see what it is about, read the table in a lake of its own without `masks`, where its values may be seen.',
  retry: 'later',
  exit: 1,
  example: { reason: 'Conversion Error' },
})
