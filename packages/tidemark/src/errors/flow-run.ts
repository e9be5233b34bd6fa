/**
 * Problems that stop a flow while it runs. Each is raised before the target's commit, so the target is as it was.
 */
import { type ProblemKind, problem } from './problem.ts'
import { rowsText } from './row-count.ts'
import { shellWord } from './shell-word.ts'

type SourceMissing = { flow: string; table: string }
export const FLOW_SOURCE_MISSING: ProblemKind<SourceMissing> = problem<SourceMissing>({
  code: 'FLOW_SOURCE_MISSING',
  title: 'A table the flow reads is not in the lake.',
  message: p => `Flow ${p.flow} reads ${p.table}, which has not been made yet.`,
  hint: p => `Run what fills it first: tidemark run --select ${shellWord(`${p.table}+`)}`,
  retry: 'later',
  exit: 1,
  example: { flow: 'gold.dim_user', table: 'silver.DimUser' },
})

type SourceRewritten = { flow: string; table: string; reason: string; target: string }
export const FLOW_SOURCE_REWRITTEN: ProblemKind<SourceRewritten> = problem<SourceRewritten>({
  code: 'FLOW_SOURCE_REWRITTEN',
  title: 'Rows that the flow has read were changed or removed.',
  message: p => `Flow ${p.flow} streams ${p.table}, and ${p.reason}; reading on would keep rows that are gone.`,
  hint: p => `Rebuild it from what is there now: tidemark run --full-refresh ${shellWord(p.target)}`,
  retry: 'after-change',
  exit: 1,
  example: {
    flow: 'gold.plays',
    table: 'silver.FactStream_changes',
    reason: 'its version 12 removes files',
    target: 'gold.plays',
  },
})

type SourceCleaned = { flow: string; table: string; version: string; file: string; target: string }
export const FLOW_SOURCE_CLEANED: ProblemKind<SourceCleaned> = problem<SourceCleaned>({
  code: 'FLOW_SOURCE_CLEANED',
  title: 'Files that the flow has not read yet were removed.',
  message: p =>
    `Flow ${p.flow} has not read version ${p.version} of ${p.table} yet. Its rows lie in other files by now, and vacuum has removed ${p.file}, in which they came.`,
  hint: p => `Rebuild it from what is there now: tidemark run --full-refresh ${shellWord(p.target)}`,
  retry: 'after-change',
  exit: 1,
  example: {
    flow: 'gold.plays',
    table: 'silver.FactStream_changes',
    version: '12',
    file: 'part-0.parquet',
    target: 'gold.plays',
  },
})

type DeclarationChanged = { flow: string; table: string; before: string; now: string }
export const FLOW_DECLARATION_CHANGED: ProblemKind<DeclarationChanged> = problem<DeclarationChanged>({
  code: 'FLOW_DECLARATION_CHANGED',
  title: 'The table was filled by a declaration that its flow no longer has.',
  message: p =>
    `${p.table} holds rows made with ${p.before}; flow ${p.flow} now says ${p.now}. New rows cannot be told from old ones.`,
  hint: p => `Make all of its rows anew from the layer below: tidemark run --full-refresh ${shellWord(p.table)}`,
  retry: 'after-change',
  exit: 1,
  example: { flow: 'dim_user_cdc', table: 'gold.dim_user', before: 'SCD TYPE 1', now: 'SCD TYPE 2' },
})

type SchemaChanged = { flow: string; table: string; drift: string }
export const FLOW_SCHEMA_CHANGED: ProblemKind<SchemaChanged> = problem<SchemaChanged>({
  code: 'FLOW_SCHEMA_CHANGED',
  title: 'The columns of a table no longer fit what the flow makes.',
  message: p => `Flow ${p.flow} cannot write ${p.table}: ${p.drift}.`,
  hint: p =>
    `New columns are added by themselves; for other changes rebuild the table: tidemark run --full-refresh ${shellWord(p.table)}`,
  retry: 'after-change',
  exit: 1,
  example: {
    flow: 'silver.DimUser',
    table: 'silver.DimUser',
    drift: 'column age is integer in the table and string now',
  },
})

type ExpectationFailed = { flow: string; table: string; rule: string; rows: bigint }
export const FLOW_EXPECTATION_FAILED: ProblemKind<ExpectationFailed> = problem<ExpectationFailed>({
  code: 'FLOW_EXPECTATION_FAILED',
  title: 'Rows break a rule that stops the flow.',
  message: p =>
    `${rowsText(p.rows)} for ${p.table} ${p.rows === 1n ? 'breaks' : 'break'} the rule ${p.rule} of flow ${p.flow}.`,
  hint: () => 'Correct the rows in the source, or let the rule keep them aside with ON VIOLATION DROP ROW.',
  retry: 'after-change',
  exit: 1,
  example: { flow: 'gold.plays', table: 'gold.plays', rule: 'valid_id', rows: 3n },
})

type TransformInvalid = { flow: string; transform: string; reason: string }
export const FLOW_TRANSFORM_INVALID: ProblemKind<TransformInvalid> = problem<TransformInvalid>({
  code: 'FLOW_TRANSFORM_INVALID',
  title: 'A transformation cannot be applied.',
  message: p => `${p.flow}: ${p.transform}: ${p.reason}.`,
  hint: () => 'Transformations apply in the order written; keys and the columns Tidemark adds must survive them.',
  retry: 'after-change',
  exit: 2,
  example: { flow: 'silver.DimUser', transform: 'drop user_id', reason: 'it is part of the key' },
})

type CastFailed = { flow: string; column: string; type: string; rows: bigint }
export const FLOW_CAST_FAILED: ProblemKind<CastFailed> = problem<CastFailed>({
  code: 'FLOW_CAST_FAILED',
  title: 'Values do not fit the type of a cast.',
  message: p => `${p.flow}: ${p.rows} values of column ${p.column} cannot be read as ${p.type}.`,
  hint: () => 'Choose a type that holds every value, or correct the rows in the source.',
  retry: 'after-change',
  exit: 1,
  example: { flow: 'silver.DimUser', column: 'age', type: 'integer', rows: 2n },
})

type ComputeFailed = { flow: string; kind: string }
export const FLOW_COMPUTE_FAILED: ProblemKind<ComputeFailed> = problem<ComputeFailed>({
  code: 'FLOW_COMPUTE_FAILED',
  title: 'The engine could not compute a flow.',
  message: p => `Computing ${p.flow} stopped with: ${p.kind}.`,
  hint: () => 'The values of a row can cause this, such as a division by zero; the details are below.',
  retry: 'after-change',
  exit: 1,
  example: { flow: 'gold.delays', kind: 'Out of Range Error' },
})

type CommitBusy = { flow: string; table: string; tries: number }
export const FLOW_COMMIT_BUSY: ProblemKind<CommitBusy> = problem<CommitBusy>({
  code: 'FLOW_COMMIT_BUSY',
  title: 'Other writers kept changing the table.',
  message: p => `Flow ${p.flow} lost ${p.tries} races for the next version of ${p.table}.`,
  hint: () => 'Run again when the other writers are done; the batch is kept and is finished then.',
  retry: 'later',
  exit: 1,
  example: { flow: 'gold.plays', table: 'gold.plays', tries: 10 },
})

type TargetForeign = { table: string; path: string }
export const FLOW_TARGET_FOREIGN: ProblemKind<TargetForeign> = problem<TargetForeign>({
  code: 'FLOW_TARGET_FOREIGN',
  title: 'The folder of a new table holds other files.',
  message: p => `${p.table} would be made in ${p.path}, which is not empty and is not a Delta table.`,
  hint: () => 'Move the files elsewhere, or give the table another name. Tidemark removes no file it did not write.',
  retry: 'after-change',
  exit: 3,
  example: { table: 'silver.DimUser', path: 'silver/DimUser' },
})

type BatchUnreadable = { flow: string; path: string; reason: string }
export const FLOW_BATCH_UNREADABLE: ProblemKind<BatchUnreadable> = problem<BatchUnreadable>({
  code: 'FLOW_BATCH_UNREADABLE',
  title: 'The record of a batch cannot be read.',
  message: p => `Flow ${p.flow} decided a batch in ${p.path}, but ${p.reason}.`,
  hint: () =>
    'The file was written by a newer Tidemark or was changed by hand. Restore it, or update Tidemark. Without a backup take it away: the next run says how the table is rebuilt.',
  retry: 'after-change',
  exit: 3,
  example: {
    flow: 'gold.plays',
    path: 'system/batches/gold%2Eplays/000000000007.json',
    reason: 'format 2 is not known',
  },
})

type BatchMissing = { flow: string; target: string; batch: string; path: string }
export const FLOW_BATCH_MISSING: ProblemKind<BatchMissing> = problem<BatchMissing>({
  code: 'FLOW_BATCH_MISSING',
  title: 'Records of batches are gone.',
  message: p =>
    `Batch ${p.batch} of flow ${p.flow} is one of ${p.target}, and its record ${p.path} is gone: up to where the source was read is not known.`,
  hint: p =>
    `Restore the file from a backup of the lake, or rebuild the table from what is there now: tidemark run --full-refresh ${shellWord(p.target)}`,
  retry: 'after-change',
  exit: 1,
  example: {
    flow: 'gold.plays',
    target: 'gold.plays',
    batch: '7',
    path: 'system/batches/gold%2Eplays/000000000007.json',
  },
})

type LedgerUnbalanced = { step: string; kind: string; read: bigint; accounted: bigint }
export const LEDGER_UNBALANCED: ProblemKind<LedgerUnbalanced> = problem<LedgerUnbalanced>({
  code: 'LEDGER_UNBALANCED',
  title: 'The row counts of a step do not add up.',
  message: p =>
    `${p.step} (${p.kind}) read ${p.read} rows and accounts for ${p.accounted}. This is a bug in Tidemark; please report it.`,
  hint: () => 'Nothing was committed by this step. Run again with --events and attach the output to the report.',
  retry: 'never',
  exit: 1,
  example: { step: 'silver.DimUser', kind: 'silver', read: 570n, accounted: 569n },
})
