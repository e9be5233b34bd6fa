/**
 * What each key of the event stream means. The types below make a key without a line here, or a line without a key, an
 * error of the type check, so the page cannot fall behind the model.
 */
import type { ProblemFact, RunEvent, StepResult } from '../../packages/tidemark/src/model/event.ts'
import type { Ledger } from '../../packages/tidemark/src/model/step.ts'

/** In every event, or, as the state of a failed step, in no printed one. */
type Passed = 'kind' | 'runId' | 'at' | 'state'
type EventOf<K extends RunEvent['kind']> = Extract<RunEvent, { kind: K }>
type LedgerOf<K extends Ledger['kind']> = Extract<Ledger, { kind: K }>

export const eventReference: {
  [K in RunEvent['kind']]: { when: string; keys: Record<Exclude<keyof EventOf<K>, Passed>, string> }
} = {
  'run started': {
    when: 'First event of a run, also of one that fails before its steps are known: then there are none.',
    keys: {
      target: 'Name of the target.',
      steps:
        'The steps to come, in order: `id`, `kind`, `planned`, the line `plan` prints for it, or null, and `estimate` of steps that read their table whole, else null: `rows` and `bytes` by the statistics of the source (text), `durationMs` (a number) and `pace`, where the duration comes from: `this table`, `this source` or `assumed`; each null when nobody can tell.',
    },
  },
  'step started': { when: 'A step begins.', keys: { step: 'Id of the step.' } },
  'step waiting': { when: 'A step cannot begin yet.', keys: { step: 'Id of the step.', for: 'What it waits for.' } },
  'step progress': {
    when: 'From time to time while a step works. Counts are of the phase, and only grow within it.',
    keys: {
      step: 'Id of the step.',
      rows: 'Rows so far, as text.',
      bytes: 'Bytes so far, as text.',
      phase: 'What the step is doing, for people.',
      expectedRows:
        'Rows at the end of the phase, as text: counted, or estimated: for a first load by the statistics of the source, for a reading in parts by the parts that are known, so that it may still change; null when nobody can tell.',
      parts: 'How many parts of a reading in parts are done: `done` and `of`, numbers; else null.',
      held: 'Why parts wait at the moment, for people; null while they are read.',
    },
  },
  'step finished': { when: 'A step is over, however it ended.', keys: { result: 'The result, see below.' } },
  warning: {
    when: 'Something a person should know that stops nothing.',
    keys: { step: 'Id of the step, or null for the run.', text: 'The warning.' },
  },
  'run finished': {
    when: 'Last event of a run, however it ended. A run that dies has none; the next run closes it as abandoned.',
    keys: {
      status: '`succeeded`, `failed`, `abandoned` or `cancelled`.',
      results: 'The results of all steps, in the order of the plan.',
      problem: 'Why the run as a whole could not go on, with the keys of a problem; null when steps tell it all.',
      storage:
        'What the run cost in the store of a lake in Azure or S3: `requests`, `sentBytes`, `receivedBytes`; null for a folder.',
    },
  },
}

export const resultReference: Record<keyof StepResult, string> = {
  step: 'Id of the step: the table, with `#` and the name of the flow when several fill it.',
  kind: '`extract`, `silver`, `append`, `auto cdc` or `materialized view`.',
  table: '`schema.table`.',
  status: '`changed`, `unchanged`, `failed` or `skipped`.',
  ledger: 'Row counts by `kind`, see below; null when nothing was counted.',
  versionBefore: 'Version of the table before the step, as text; null when there was none.',
  versionAfter: 'Version after it, as text; equal to `versionBefore` when nothing was committed.',
  startedAt: 'ISO 8601 UTC.',
  durationMs: 'Milliseconds, a number.',
  reason: 'Why nothing was done, for unchanged and skipped steps; the title of the problem for failed ones; else null.',
  blockedBy: 'Skipped steps: ids of the failed steps this one needed.',
  problem: 'Failed steps: `code`, `title`, `message`, `hint`, `place`; else null.',
  asOf: 'Instant of the source up to which the table is complete; null when it is not known.',
  source:
    'Extract steps: `name`, `guarantee` (A to D), `method`, `position`, and `whole` when all of the table was read, else null: how (`reading`: `load`, `compare` or `scan`) and the size of the table in `bytes`, as text; null for other steps.',
  warnings: 'Texts for people.',
}

export const problemReference: Record<keyof ProblemFact, string> = {
  code: 'Stable code, see [errors](errors.md).',
  title: 'One sentence, the same for every problem of the code.',
  message: 'What is wrong here.',
  hint: 'What to do, or null.',
  place: '`file:line:column` in the project, or null.',
}

export const ledgerReference: {
  [K in Ledger['kind']]: { balance: string; keys: Record<Exclude<keyof LedgerOf<K>, 'kind'>, string> }
} = {
  extract: {
    balance: 'read = inserted + duplicate',
    keys: {
      read: 'Rows the slice returned.',
      inserted: 'Rows new to bronze.',
      duplicate: 'Rows of the overlap that bronze had already.',
      deletes: 'Deletes found by comparing keys; beside the rows read.',
      rescued: 'Values of the inserted rows that are in `_rescued_data`; left out when there are none.',
    },
  },
  silver: {
    balance: 'read = inserted + updated + superseded + duplicate + deleted + filtered + quarantined',
    keys: {
      read: 'Row versions read from bronze.',
      inserted: 'New keys.',
      updated: 'Keys with a newer version.',
      superseded: 'Versions older than one that was read or known.',
      duplicate: 'Versions known already.',
      deleted: 'Deletes.',
      filtered: 'Deletes of keys that are not there.',
      quarantined: 'Versions that broke a DROP ROW rule.',
      staleByRule: 'Keys whose newest version was rejected, so that an older one stays; beside the buckets.',
      warned: 'Rows that broke a rule without action; beside the buckets.',
    },
  },
  append: {
    balance: 'read = inserted + filtered + quarantined',
    keys: {
      read: 'Rows the query returned; versions read from bronze for `silver.t_changes`.',
      inserted: 'Rows appended.',
      filtered: 'Versions that `silver.t_changes` leaves out, because `silver.t` has them in its quarantine.',
      quarantined: 'Rows that broke a DROP ROW rule.',
      warned: 'Rows that broke a rule without action; beside the buckets.',
    },
  },
  'auto cdc': {
    balance: 'read = applied + ignored + quarantined',
    keys: {
      read: 'Changes read from the source.',
      applied: 'Changes that altered the target.',
      ignored: 'Changes that were known or too old to matter.',
      quarantined: 'Changes that broke a rule or had no sequence.',
      warned: 'Rows that broke a rule without action; beside the buckets.',
    },
  },
  'materialized view': {
    balance: 'rows in, rows out',
    keys: {
      rowsIn: 'Rows of the tables it reads.',
      rowsOut: 'Rows of the view.',
      quarantined: 'Rows that DROP ROW removed.',
      warned: 'Rows that broke a rule without action.',
    },
  },
}
