/** Problems of a run as a whole, of the lake's folder and of commands. */
import { isByPath, pathOf } from '../model/names.ts'
import { type ProblemKind, problem } from './problem.ts'

export const RUN_IN_PROGRESS: ProblemKind<{ runId: string; host: string; pid: string; startedAt: string }> = problem({
  code: 'RUN_IN_PROGRESS',
  title: 'Another run is working on this lake.',
  message: (p: { runId: string; host: string; pid: string; startedAt: string }) =>
    `Run ${p.runId} on ${p.host}, process ${p.pid}, has been going since ${p.startedAt}.`,
  hint: () => 'Wait for it, or stop that process; a run that died is taken over by itself.',
  retry: 'later',
  exit: 1,
  example: { runId: '20261122T120003Z-4f1c2a', host: 'etl-1', pid: '4711', startedAt: '2026-11-22T12:00:03Z' },
})

export const SOURCE_NOT_ASKED: ProblemKind<{ source: string }> = problem({
  code: 'SOURCE_NOT_ASKED',
  title: 'A source was not asked.',
  message: (p: { source: string }) => `Source ${p.source} has none of the tables that were named, and was left alone.`,
  hint: () => 'Name one of its tables too, or run without --select.',
  retry: 'after-change',
  exit: 1,
  example: { source: 'erp' },
})

export const LAKE_NOT_WRITABLE: ProblemKind<{ lake: string; reason: string }> = problem({
  code: 'LAKE_NOT_WRITABLE',
  title: 'The lake cannot be written.',
  message: (p: { lake: string; reason: string }) => `${p.lake}: ${p.reason}.`,
  hint: () => 'Give the user of this process the right to create files there, or set lake: to another folder.',
  retry: 'after-change',
  exit: 3,
  example: { lake: './lake', reason: 'permission denied (EACCES)' },
})

export const LAKE_NOT_READABLE: ProblemKind<{ lake: string; reason: string }> = problem({
  code: 'LAKE_NOT_READABLE',
  title: 'The lake cannot be read.',
  message: (p: { lake: string; reason: string }) => `${p.lake}: ${p.reason}.`,
  hint: () => 'Give the user of this process the right to read there, or run as the user who made the lake.',
  retry: 'after-change',
  exit: 3,
  example: { lake: './lake/bronze', reason: 'no permission (EACCES)' },
})

export const LAKE_DISK_FAILED: ProblemKind<{ lake: string; reason: string }> = problem({
  code: 'LAKE_DISK_FAILED',
  title: 'The disk of the lake does not work.',
  message: (p: { lake: string; reason: string }) => `${p.lake}: ${p.reason}.`,
  hint: () =>
    'Look at the disk, its mount and the limits on open files; then run again. Committed tables are as they were.',
  retry: 'later',
  exit: 3,
  example: { lake: './lake/bronze', reason: 'EIO: i/o error, read' },
})

export const LAKE_FULL: ProblemKind<{ lake: string }> = problem({
  code: 'LAKE_FULL',
  title: 'The disk is full.',
  message: (p: { lake: string }) => `${p.lake}: no space left.`,
  hint: () =>
    'Free space and run again; committed tables are as they were. Local files of a lake in Azure or S3 lie where `lake_options.local` says.',
  retry: 'later',
  exit: 3,
  example: { lake: './lake' },
})

export const LAKES_OVERLAP: ProblemKind<{ lake: string; other: string }> = problem({
  code: 'LAKES_OVERLAP',
  title: 'One lake would lie inside another.',
  message: (p: { lake: string; other: string }) => `${p.lake} and the lake ${p.other} have objects in common.`,
  hint: () => 'Give each lake a path that does not begin with that of another; correct `lake:`.',
  retry: 'after-change',
  exit: 2,
  example: { lake: 's3://lake/music', other: 's3://lake' },
})

export const LAKE_OF_ANOTHER_PROJECT: ProblemKind<{ lake: string; owner: string; project: string }> = problem({
  code: 'LAKE_OF_ANOTHER_PROJECT',
  title: 'The lake belongs to another project.',
  message: (p: { lake: string; owner: string; project: string }) =>
    `${p.lake} is filled by project ${p.owner}; project ${p.project} would take its tables for its own.`,
  hint: () =>
    'Give each project a lake of its own with lake:. If this is the same project under a new name, remove system/project.json from the lake.',
  retry: 'after-change',
  exit: 2,
  example: { lake: './lake', owner: 'music', project: 'shop' },
})

export const RUN_FACT_UNREADABLE: ProblemKind<{ path: string; reason: string }> = problem({
  code: 'RUN_FACT_UNREADABLE',
  title: 'The record of a run cannot be read.',
  message: (p: { path: string; reason: string }) => `${p.path}: ${p.reason}.`,
  hint: () =>
    'No table depends on it, and runs go on. Restore the file from a backup of the lake, or remove it: its run is then no longer listed.',
  retry: 'after-change',
  exit: 3,
  example: { path: 'system/runs/20261122T120003000Z-4f1c2a.end.json', reason: 'Unexpected end of JSON input' },
})

export const OUTPUT_NOT_WRITTEN: ProblemKind<{ reason: string }> = problem({
  code: 'OUTPUT_NOT_WRITTEN',
  title: 'The output could not be written.',
  message: (p: { reason: string }) => `Standard output: ${p.reason}.`,
  hint: () => 'What the command did is done; what it printed is not complete. `tidemark runs` tells of a run.',
  retry: 'after-change',
  exit: 3,
  example: { reason: 'no space left on device (ENOSPC)' },
})

type StepUnknown = {
  wanted: string
  suggestion: string
  /** Set where tables of the others cannot be wanted. */
  layer?: 'bronze'
}
export const STEP_UNKNOWN: ProblemKind<StepUnknown> = problem<StepUnknown>({
  code: 'STEP_UNKNOWN',
  title: 'A selected table does not exist.',
  message: p =>
    `No ${p.layer === undefined ? '' : `${p.layer} `}table of this project is called ${p.wanted}${p.suggestion === '' ? '.' : `; did you mean ${p.suggestion}?`}`,
  hint: p =>
    p.layer === undefined
      ? 'tidemark plan lists the tables. name+ selects a table and everything that follows it.'
      : 'tidemark plan lists the tables. This is done to tables that come from a source; those below follow with the next run.',
  retry: 'after-change',
  exit: 2,
  example: { wanted: 'silver.DimUsr', suggestion: 'silver.DimUser' },
})

export const FULL_REFRESH_OF_BRONZE: ProblemKind<{ table: string }> = problem({
  code: 'FULL_REFRESH_OF_BRONZE',
  title: 'Bronze cannot be refreshed from a layer below.',
  message: (p: { table: string }) =>
    `${p.table} is filled from the source; --full-refresh rebuilds silver and gold tables.`,
  hint: () =>
    'To read it anew from the source is --reload-source: it says which versions exist only in the lake, and asks.',
  retry: 'after-change',
  exit: 2,
  example: { table: 'bronze.DimUser' },
})

export const TABLE_UNKNOWN: ProblemKind<{ table: string; suggestion: string }> = problem({
  code: 'TABLE_UNKNOWN',
  title: 'There is no such table.',
  message: (p: { table: string; suggestion: string }) =>
    isByPath(p.table)
      ? `There is no Delta table at ${pathOf(p.table)}.`
      : `${p.table} is not in the lake${p.suggestion === '' ? '.' : `; did you mean ${p.suggestion}?`}`,
  hint: (p: { table: string; suggestion: string }) =>
    isByPath(p.table)
      ? 'Name the folder that holds _delta_log, by its path from the working folder or from the root.'
      : 'tidemark tables lists what is there.',
  retry: 'after-change',
  exit: 2,
  example: { table: 'gold.dim_usr', suggestion: 'gold.dim_user' },
})

export const TRACE_KEY: ProblemKind<{ table: string; reason: string }> = problem({
  code: 'TRACE_KEY',
  title: 'This does not name one row.',
  message: (p: { table: string; reason: string }) => `${p.table}: ${p.reason}.`,
  hint: () => 'Give the whole key, one column=value a column: tidemark trace DimUser user_id=42',
  retry: 'after-change',
  exit: 2,
  example: { table: 'bronze.DimUser', reason: 'its key is user_id=…' },
})

export const MOMENT_INVALID: ProblemKind<{ text: string }> = problem({
  code: 'MOMENT_INVALID',
  title: 'This is not a time.',
  message: (p: { text: string }) => `'${p.text}' is not a time at which a version could have been current.`,
  hint: () => "Write '2026-11-26' or '2026-11-26 12:00:00'; without an offset such as +01:00 it is UTC.",
  retry: 'after-change',
  exit: 2,
  example: { text: 'yesterday' },
})

export const TABLE_NOT_OURS: ProblemKind<{ table: string }> = problem({
  code: 'TABLE_NOT_OURS',
  title: 'Only tables of the lake are changed.',
  message: (p: { table: string }) => `${p.table} lies outside this lake, and is only read.`,
  hint: () => 'Name a table of the lake; tidemark tables lists them.',
  retry: 'after-change',
  exit: 2,
  example: { table: 'delta.`/data/orders`' },
})

export const TABLE_ADDRESS: ProblemKind<{ address: string; reason: string }> = problem({
  code: 'TABLE_ADDRESS',
  title: 'No table can be at this address.',
  // What follows a question mark can sign requests.
  message: (p: { address: string; reason: string }) => `${p.address.replace(/[?#][^]*/, '?…')} ${p.reason}.`,
  hint: () =>
    'Write az://container/path, abfss://container@account.dfs.core.windows.net/path or s3://bucket/path, down to the folder that holds _delta_log.',
  retry: 'after-change',
  exit: 2,
  example: { address: 'az://lake', reason: 'names no folder' },
})

export const TABLE_BUSY: ProblemKind<{ table: string; tries: string }> = problem({
  code: 'TABLE_BUSY',
  title: 'Other writers kept changing the table.',
  message: (p: { table: string; tries: string }) => `${p.table} was changed by others in each of ${p.tries} tries.`,
  hint: () => 'Try again when they are done. The table is as they left it.',
  retry: 'later',
  exit: 1,
  example: { table: 'silver.FactStream', tries: '5' },
})

export const NEEDS_YES: ProblemKind<{ what: string; target: string }> = problem({
  code: 'NEEDS_YES',
  title: 'This cannot be undone.',
  message: (p: { what: string; target: string }) => `${p.what}, and the target ${p.target} is in production mode.`,
  hint: () => 'Look at it with --dry-run first, then give --yes. Nothing was changed.',
  retry: 'after-change',
  exit: 2,
  example: { what: 'vacuum removes files for good', target: 'prod' },
})

export const RELOAD_NEEDS_YES: ProblemKind<{ losses: string }> = problem({
  code: 'RELOAD_NEEDS_YES',
  title: 'A reload drops what exists only in the lake, and nobody was there to be asked.',
  message: (p: { losses: string }) => p.losses,
  hint: () => 'Give --yes if that is meant. Nothing was changed.',
  retry: 'after-change',
  exit: 2,
  example: { losses: 'bronze.DimUser: 1,200 of its 1,700 row versions exist only in the lake' },
})

export const QUERY_FAILED: ProblemKind<{ reason: string }> = problem({
  code: 'QUERY_FAILED',
  title: 'The query could not be run.',
  message: (p: { reason: string }) => p.reason,
  hint: () =>
    'A query is one SELECT over tables of the lake, such as silver.DimUser or system.runs; tidemark tables schema TABLE lists the columns of one.',
  retry: 'after-change',
  exit: 2,
  example: { reason: 'There is no column user in the tables of the query. Did you mean user_id?' },
})

export const RUN_CANCELLED: ProblemKind<{ by: string }> = problem({
  code: 'RUN_CANCELLED',
  title: 'The command was stopped.',
  message: (p: { by: string }) => `Stopped by ${p.by}.`,
  hint: () => 'Run again: finished tables stay, the others continue from their marks.',
  retry: 'later',
  exit: 1,
  example: { by: 'SIGINT' },
})

export const STEP_FAILED_UNEXPECTEDLY: ProblemKind<{ step: string; reason: string }> = problem({
  code: 'STEP_FAILED_UNEXPECTEDLY',
  title: 'A step failed in a way nobody foresaw.',
  message: (p: { step: string; reason: string }) => `${p.step}: ${p.reason}`,
  hint: () => 'This may be a bug in tidemark; please report it. Nothing of this step was committed.',
  retry: 'later',
  exit: 1,
  example: { step: 'silver.DimUser', reason: 'Conversion Error: the value is out of range' },
})
