/**
 * The documents of `--json` as docs/reference/json-output.md promises them: every key is there and none besides, with 64-bit
 * integers and decimals as text. For `toEqual`.
 */
import { expect } from 'vitest'
import { ledgerReference } from '../../scripts/generate/event-reference.ts'

type Shape = unknown
type Shapes = Readonly<Record<string, Shape>>

const text: Shape = expect.any(String)
const number: Shape = expect.any(Number)
/** Digits, never a JSON number. */
const integer: Shape = expect.stringMatching(/^\d+$/)
const instant: Shape = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/)
const orNull = (shape: Shape): Shape => expect.toBeOneOf([shape, null])
const oneOf = (...words: readonly string[]): Shape => expect.toBeOneOf([...words])
/** A list whose every item has the shape. */
const listOf = (shape: Shape): Shape =>
  expect.toSatisfy((value: unknown) => Array.isArray(value) && value.every(item => fits(item, shape)))

/** An object with keys of anybody's choice; see `FREE_KEYS`. */
const mapOf = (shape: Shape): Shape =>
  expect.toSatisfy((value: unknown) => Object.values(value ?? {}).every(item => fits(item, shape)))

function fits(value: unknown, shape: Shape): boolean {
  try {
    expect(value).toEqual(shape)
    return true
  } catch {
    return false
  }
}

const problem: Shapes = { code: text, title: text, message: text, hint: orNull(text), place: orNull(text) }

/** Left out of a ledger that has none. */
const RARE: ReadonlySet<string> = new Set(['rescued'])

const ledger: Shape = expect.toBeOneOf(
  Object.entries(ledgerReference).flatMap(([kind, { keys }]) => {
    const shape = (names: readonly string[]): Shapes => ({
      kind,
      ...Object.fromEntries(names.map(key => [key, integer])),
    })
    const usual = Object.keys(keys).filter(key => !RARE.has(key))
    return usual.length === Object.keys(keys).length ? [shape(usual)] : [shape(usual), shape(Object.keys(keys))]
  }),
)

/** A result as in events, `run` and `runs`. */
export const result: Shapes = {
  step: text,
  kind: oneOf('extract', 'silver', 'append', 'auto cdc', 'materialized view'),
  table: text,
  status: oneOf('changed', 'unchanged', 'failed', 'skipped'),
  ledger: orNull(ledger),
  versionBefore: orNull(integer),
  versionAfter: orNull(integer),
  startedAt: instant,
  durationMs: number,
  reason: orNull(text),
  blockedBy: listOf(text),
  problem: orNull(problem),
  asOf: orNull(instant),
  source: orNull({
    name: text,
    guarantee: oneOf('A', 'B', 'C', 'D'),
    method: text,
    position: text,
    whole: orNull({ reading: oneOf('load', 'compare', 'scan'), bytes: integer }),
  }),
  warnings: listOf(text),
}

const run: Shapes = {
  runId: text,
  status: oneOf('succeeded', 'failed', 'cancelled'),
  steps: listOf(result),
  warnings: listOf(text),
  problem: orNull(problem),
  storage: orNull({ requests: expect.any(Number), sentBytes: expect.any(Number), receivedBytes: expect.any(Number) }),
}

const expectation: Shape = expect.toBeOneOf([
  { kind: 'nothing', why: text, version: orNull(integer) },
  { kind: 'known', rows: integer },
  { kind: 'at most', rows: integer, since: orNull(instant) },
  { kind: 'whole table', rowEstimate: orNull(integer) },
  {
    kind: 'whole table',
    rowEstimate: orNull(integer),
    reading: oneOf('load', 'compare', 'scan'),
    bytes: integer,
    durationMs: orNull(number),
    pace: orNull(oneOf('this table', 'this source', 'assumed')),
  },
  { kind: 'follows', of: listOf(text) },
  { kind: 'refused', code: text, reason: text },
])

const finding: Shape = {
  level: oneOf('ok', 'warning', 'problem'),
  about: text,
  says: text,
  remedy: orNull(text),
  problem: orNull(problem),
}

const misses: Shape = { rows: integer, ties: integer, behind: integer, newer: integer }

/** Keys of a document whose objects hold what writers chose to say; the keys inside are not part of the contract. */
const FREE_KEYS: ReadonlySet<string> = new Set(['configuration', 'parameters', 'metrics', 'row', 'rows', 'key'])

/** Every key of a document that the contract names. */
export function keysOf(document: unknown): string[] {
  if (typeof document !== 'object' || document === null) return []
  if (Array.isArray(document)) return document.flatMap(keysOf)
  return Object.entries(document).flatMap(([key, value]) => [key, ...(FREE_KEYS.has(key) ? [] : keysOf(value))])
}

/** The document of a command by its words. Those that print rows of the user's own are not here. */
export const documents: Readonly<Record<string, Shape>> = {
  run,
  backfill: run,
  plan: {
    target: text,
    sources: listOf({ source: text, asOf: instant, openTransactions: number, listHash: orNull(text) }),
    steps: listOf({
      id: text,
      kind: text,
      table: text,
      guarantee: orNull(text),
      method: text,
      expect: expectation,
      needs: listOf(text),
      notes: listOf(text),
    }),
    unfilled: listOf(text),
  },
  doctor: {
    target: text,
    secrets: listOf(finding),
    sources: listOf({ source: text, type: text, findings: listOf(finding), grants: listOf(text) }),
    lake: { place: text, findings: listOf(finding) },
  },
  status: {
    target: text,
    tables: listOf({
      table: text,
      guarantee: orNull(text),
      asOf: orNull(instant),
      rows: orNull(integer),
      quarantined: orNull(integer),
      rescued: integer,
      last: orNull({ status: text, at: instant, code: orNull(text) }),
      verified: orNull(instant),
      problem: orNull(problem),
    }),
  },
  runs: listOf({
    runId: text,
    status: oneOf('succeeded', 'failed', 'cancelled', 'abandoned'),
    startedAt: instant,
    endedAt: instant,
    target: text,
    steps: listOf(result),
    problem: orNull(problem),
  }),
  tables: listOf({
    table: text,
    version: orNull(integer),
    files: orNull(number),
    rows: orNull(integer),
    columns: listOf({ name: text, type: expect.anything() }),
    problem: orNull(problem),
  }),
  'tables show': {
    table: text,
    version: integer,
    committedAt: orNull(instant),
    files: number,
    sizeBytes: integer,
    rows: orNull(integer),
    filesWithDeletedRows: number,
    partitionColumns: listOf(text),
    id: text,
    protocol: text,
    features: listOf(text),
    domains: listOf(text),
    configuration: mapOf(text),
  },
  'tables schema': listOf({
    column: text,
    type: text,
    nullable: expect.any(Boolean),
    partition: expect.any(Boolean),
    comment: orNull(text),
  }),
  'tables history': listOf({
    version: integer,
    time: orNull(instant),
    operation: orNull(text),
    run: orNull(text),
    engine: orNull(text),
    parameters: mapOf(text),
    metrics: mapOf(text),
  }),
  optimize: { table: text, metrics: orNull(mapOf(text)) },
  vacuum: {
    dryRun: expect.any(Boolean),
    tables: listOf({ table: text, files: integer, bytes: integer, paths: listOf(text) }),
    uploads: listOf({ path: text, started: text }),
    loads: listOf(text),
    temporary: listOf(text),
  },
  verify: listOf({
    table: text,
    status: oneOf('equal', 'pending', 'different', 'not loaded', 'not comparable', 'broken'),
    sourceRows: integer,
    lakeRows: integer,
    sourceHash: text,
    lakeHash: text,
    lost: integer,
    stale: integer,
    ghost: integer,
    pending: integer,
    examples: listOf({ kind: oneOf('lost', 'stale', 'ghost', 'gone'), key: text }),
    asOf: instant,
    cursor: orNull({
      column: text,
      sourceMin: orNull(text),
      sourceMax: orNull(text),
      lakeMin: orNull(text),
      lakeMax: orNull(text),
    }),
    verifiedThrough: orNull(instant),
    repaired: orNull({
      lost: integer,
      stale: integer,
      ghost: integer,
      deletes: integer,
      version: integer,
      runId: text,
    }),
  }),
  audit: {
    against: text,
    table: text,
    status: oneOf('equal', 'behind', 'different'),
    sourceRows: integer,
    copyRows: integer,
    missing: misses,
    stale: misses,
    ghosts: integer,
    doubled: integer,
    versions: integer,
    cursor: orNull({ column: text, sourceMax: orNull(text), copyMax: orNull(text) }),
    differingColumns: listOf({ column: text, rows: integer }),
    compared: listOf(text),
    notCompared: listOf({ column: text, reason: text }),
    examples: listOf({ kind: oneOf('missing', 'stale', 'ghost'), key: text }),
    asOf: instant,
  },
  trace: {
    table: text,
    key: mapOf(text),
    source: {
      state: oneOf('present', 'absent', 'unknown'),
      table: text,
      asOf: orNull(instant),
      row: orNull(expect.any(Object)),
      problem: orNull(problem),
    },
    versions: listOf({
      seq: integer,
      op: oneOf('upsert', 'delete'),
      commit: orNull(integer),
      runId: text,
      asOf: instant,
      decision: orNull(oneOf('current', 'duplicate', 'superseded', 'deleted', 'quarantined', 'waiting')),
      rejectedBy: listOf(text),
      rules: listOf({ rule: text, action: oneOf('warn', 'drop', 'fail'), passes: expect.any(Boolean) }),
      row: expect.any(Object),
    }),
    silver: orNull({ table: text, state: oneOf('present', 'absent', 'not filled'), row: orNull(expect.any(Object)) }),
    gold: listOf({
      table: text,
      scdType: number,
      state: oneOf('filled', 'not filled'),
      rows: listOf(expect.any(Object)),
    }),
  },
  'quarantine list': listOf({ table: text, reason: text, rules: orNull(text), flow: text, rows: integer }),
}
