/** What can be wrong with a flow: its text, its meaning in the portable subset, its place in the graph, its types. */
import { type ProblemKind, problem } from './problem.ts'

const didYouMean = (suggestion: string | undefined): string => (suggestion ? ` Did you mean ${suggestion}?` : '')

type FlowSyntax = { expected: string; found: string; hint?: string | undefined }
export const FLOW_SYNTAX: ProblemKind<FlowSyntax> = problem<FlowSyntax>({
  code: 'FLOW_SYNTAX',
  title: 'The SQL cannot be read.',
  message: p => `Expected ${p.expected}, found ${p.found}.`,
  hint: p =>
    p.hint ??
    'Statements are CREATE OR REFRESH STREAMING TABLE, CREATE OR REFRESH MATERIALIZED VIEW, CREATE TEMPORARY VIEW and CREATE FLOW, each closed by a semicolon.',
  retry: 'after-change',
  exit: 2,
  example: { expected: 'KEYS (…)', found: 'SEQUENCE' },
})

type FlowUnbuilt = { clause: string; instead?: string | undefined }
export const FLOW_UNBUILT: ProblemKind<FlowUnbuilt> = problem<FlowUnbuilt>({
  code: 'FLOW_UNBUILT',
  title: 'The clause is known, but not built yet.',
  message: p => `${p.clause} is part of the language and is not built yet.`,
  hint: p => p.instead ?? `Leave it out: Tidemark never ignores a clause silently.`,
  retry: 'after-change',
  exit: 2,
  example: { clause: 'CLUSTER BY' },
})

type FlowProperty = { name: string; expected: string }
export const FLOW_PROPERTY: ProblemKind<FlowProperty> = problem<FlowProperty>({
  code: 'FLOW_PROPERTY',
  title: 'A table cannot have this property.',
  message: p => `${p.name} must be ${p.expected}.`,
  hint: () => 'The properties that a table of a flow can have are in docs/guides/flows.md.',
  retry: 'after-change',
  exit: 2,
  example: { name: 'delta.enableDeletionVectors', expected: 'true or false' },
})

type FlowNotPortable = { name: string; why?: string | undefined }
export const FLOW_NOT_PORTABLE: ProblemKind<FlowNotPortable> = problem<FlowNotPortable>({
  code: 'FLOW_NOT_PORTABLE',
  title: 'The SQL is outside the portable subset.',
  message: p => `${p.name} is not part of the SQL that means the same on DuckDB and Spark${p.why ? `: ${p.why}` : ''}.`,
  hint: () =>
    'The list is in docs/reference/portable-sql.md. `-- dialect: duckdb` as the first line opts the file out; it then never runs on Spark.',
  retry: 'after-change',
  exit: 2,
  example: { name: 'approx_quantile' },
})

type FlowName = { name: string; why: string }
export const FLOW_NAME: ProblemKind<FlowName> = problem<FlowName>({
  code: 'FLOW_NAME',
  title: 'The name cannot be used here.',
  message: p => `${p.name}: ${p.why}.`,
  hint: () =>
    'Flows fill schema.table in the schemas silver and gold; an unqualified name is in the schema of its folder.',
  retry: 'after-change',
  exit: 2,
  example: { name: 'bronze.users', why: 'bronze is filled from the sources, never by a flow' },
})

type FlowUnknownTable = { table: string; suggestion?: string | undefined }
export const FLOW_UNKNOWN_TABLE: ProblemKind<FlowUnknownTable> = problem<FlowUnknownTable>({
  code: 'FLOW_UNKNOWN_TABLE',
  title: 'The table does not exist in this project.',
  message: p => `No table, view or flow target is named ${p.table}.${didYouMean(p.suggestion)}`,
  hint: () =>
    'Tables come from the table list (bronze, silver) and from flows; an unqualified name is in the schema of its folder.',
  retry: 'after-change',
  exit: 2,
  example: { table: 'silver.DimUsr', suggestion: 'silver.DimUser' },
})

type FlowUnknownTarget = { flow: string; target: string; suggestion?: string | undefined }
export const FLOW_UNKNOWN_TARGET: ProblemKind<FlowUnknownTarget> = problem<FlowUnknownTarget>({
  code: 'FLOW_UNKNOWN_TARGET',
  title: 'The flow has no target.',
  message: p =>
    `Flow ${p.flow} writes into ${p.target}, which no file declares as a streaming table.${didYouMean(p.suggestion)}`,
  hint: p => `Declare it: CREATE OR REFRESH STREAMING TABLE ${p.target};`,
  retry: 'after-change',
  exit: 2,
  example: { flow: 'dim_user_cdc', target: 'gold.dim_usr', suggestion: 'gold.dim_user' },
})

type FlowUnknownColumn = { column: string; suggestion?: string | undefined }
export const FLOW_UNKNOWN_COLUMN: ProblemKind<FlowUnknownColumn> = problem<FlowUnknownColumn>({
  code: 'FLOW_UNKNOWN_COLUMN',
  title: 'The column does not exist.',
  message: p => `There is no column ${p.column} here.${didYouMean(p.suggestion)}`,
  hint: () =>
    'Column names ignore case. In Spark a text is written with single or double quotes, a name with backticks.',
  retry: 'after-change',
  exit: 2,
  example: { column: 'user_idd', suggestion: 'user_id' },
})

type FlowAmbiguous = { name: string; choices: string }
export const FLOW_AMBIGUOUS: ProblemKind<FlowAmbiguous> = problem<FlowAmbiguous>({
  code: 'FLOW_AMBIGUOUS',
  title: 'The name has more than one meaning here.',
  message: p => `${p.name} could be ${p.choices}.`,
  hint: () => 'Write the table or alias before the column, or give the tables different aliases.',
  retry: 'after-change',
  exit: 2,
  example: { name: 'user_id', choices: 'f.user_id or u.user_id' },
})

type FlowTypes = { what: string; why: string }
export const FLOW_TYPES: ProblemKind<FlowTypes> = problem<FlowTypes>({
  code: 'FLOW_TYPES',
  title: 'The types do not fit.',
  message: p => `${p.what}: ${p.why}.`,
  hint: () => 'Say what is meant with CAST(… AS type).',
  retry: 'after-change',
  exit: 2,
  example: { what: '=', why: 'boolean and date have no common type' },
})

type FlowStreamShape = { what: string }
export const FLOW_STREAM_SHAPE: ProblemKind<FlowStreamShape> = problem<FlowStreamShape>({
  code: 'FLOW_STREAM_SHAPE',
  title: 'A stream cannot compute this.',
  message: p =>
    `${p.what} over STREAM would be right only for the rows of one batch: each row of a stream is read once.`,
  hint: () => 'Make it a MATERIALIZED VIEW, which is computed over all rows.',
  retry: 'after-change',
  exit: 2,
  example: { what: 'count' },
})

type FlowNotStreamable = { table: string; why: string }
export const FLOW_NOT_STREAMABLE: ProblemKind<FlowNotStreamable> = problem<FlowNotStreamable>({
  code: 'FLOW_NOT_STREAMABLE',
  title: 'The table cannot be streamed.',
  message: p => `STREAM(${p.table}): ${p.why}.`,
  hint: p => `Read ${p.table} without STREAM in a MATERIALIZED VIEW.`,
  retry: 'after-change',
  exit: 2,
  example: { table: 'silver.Settings', why: 'it has no key, so each run replaces its rows as a whole' },
})

type FlowStreamMissing = { flow: string }
export const FLOW_STREAM_MISSING: ProblemKind<FlowStreamMissing> = problem<FlowStreamMissing>({
  code: 'FLOW_STREAM_MISSING',
  title: 'The flow reads no stream.',
  message: p => `Flow ${p.flow} fills a streaming table, but its query has no STREAM(…).`,
  hint: () => 'Put STREAM( ) around the table whose new rows should flow, or make it a MATERIALIZED VIEW.',
  retry: 'after-change',
  exit: 2,
  example: { flow: 'gold.plays' },
})

type FlowCycle = { path: string }
export const FLOW_CYCLE: ProblemKind<FlowCycle> = problem<FlowCycle>({
  code: 'FLOW_CYCLE',
  title: 'Flows wait for each other in a circle.',
  message: p => `Each of these is computed from the next: ${p.path}.`,
  hint: () => 'Break the circle: let one of them read the layer below.',
  retry: 'after-change',
  exit: 2,
  example: { path: 'gold.a → gold.b → gold.a' },
})

type FlowDuplicate = { what: string; name: string; other: string }
export const FLOW_DUPLICATE: ProblemKind<FlowDuplicate> = problem<FlowDuplicate>({
  code: 'FLOW_DUPLICATE',
  title: 'The name is declared twice.',
  message: p => `The ${p.what} ${p.name} is also declared at ${p.other}.`,
  hint: () => 'Names ignore case. Rename one of them, or remove it.',
  retry: 'after-change',
  exit: 2,
  example: { what: 'table', name: 'gold.dim_user', other: 'gold/user.sql:1:1' },
})

type FlowColumnType = { column: string; type: string }
export const FLOW_COLUMN_TYPE: ProblemKind<FlowColumnType> = problem<FlowColumnType>({
  code: 'FLOW_COLUMN_TYPE',
  title: 'The lake has no such type.',
  message: p => `Column ${p.column} is ${p.type}, which a Delta table cannot hold.`,
  hint: p => `Write CAST(… AS type) AS ${p.column} with a type that Delta has, for example STRING or DECIMAL(38, 0).`,
  retry: 'after-change',
  exit: 2,
  example: { column: 'duration', type: 'INTERVAL' },
})

type FlowColumnName = { column: string; why: string }
export const FLOW_COLUMN_NAME: ProblemKind<FlowColumnName> = problem<FlowColumnName>({
  code: 'FLOW_COLUMN_NAME',
  title: 'An output column needs another name.',
  message: p => `${p.column}: ${p.why}.`,
  hint: () => 'Give it a name with AS.',
  retry: 'after-change',
  exit: 2,
  example: { column: 'count(*)', why: 'the expression has no name' },
})

type FlowQuery = { reason: string; hint?: string | undefined }
export const FLOW_QUERY: ProblemKind<FlowQuery> = problem<FlowQuery>({
  code: 'FLOW_QUERY',
  title: 'The query has no meaning.',
  message: p => p.reason,
  hint: p => p.hint ?? 'Correct the query; the place shown is the nearest one known.',
  retry: 'after-change',
  exit: 2,
  example: { reason: 'column "country" must appear in the GROUP BY clause or be used in an aggregate' },
})

type FlowModule = { file: string; reason: string }
export const FLOW_MODULE: ProblemKind<FlowModule> = problem<FlowModule>({
  code: 'FLOW_MODULE',
  title: 'The flow file could not be loaded.',
  message: p => `Loading ${p.file} failed: ${p.reason}`,
  hint: () => 'A flow file is loaded by Node itself: only types that can be erased, imports with their file extension.',
  retry: 'after-change',
  exit: 2,
  example: { file: 'gold/user.ts', reason: 'ReferenceError: dimUsr is not defined' },
})

type FlowExport = { export: string; reason: string }
export const FLOW_EXPORT: ProblemKind<FlowExport> = problem<FlowExport>({
  code: 'FLOW_EXPORT',
  title: 'The export is not a flow.',
  message: p => `Export ${p.export}: ${p.reason}.`,
  hint: () =>
    'Export values made by streamingTable, materializedView, temporaryView, autoCdcFlow or appendFlow. Keep helpers in files outside the flow folders, or do not export them.',
  retry: 'after-change',
  exit: 2,
  example: { export: 'helper', reason: 'a function is neither a dataset nor a flow' },
})

type FlowFile = { file: string; reason: string }
export const FLOW_FILE: ProblemKind<FlowFile> = problem<FlowFile>({
  code: 'FLOW_FILE',
  title: 'The flow file cannot be used.',
  message: p => `${p.file}: ${p.reason}.`,
  hint: () => 'Flows are .sql and .ts files.',
  retry: 'after-change',
  exit: 2,
  example: { file: 'gold/user.sql', reason: 'permission denied' },
})

type QueryRefused = { what: string }
export const QUERY_REFUSED: ProblemKind<QueryRefused> = problem<QueryRefused>({
  code: 'QUERY_REFUSED',
  title: 'The query is not allowed.',
  message: p => `${p.what}.`,
  hint: () => 'A query is one SELECT over tables of the lake, for example SELECT * FROM gold.dim_user.',
  retry: 'after-change',
  exit: 2,
  example: { what: 'read_csv reads files' },
})
