/** Time of the pure planner over many tables: `node --conditions=source bench/plan.ts [tables]`. Aim: under 50 ms for 1,000. */
import type { DerivedFlow, Flow } from '../packages/tidemark/src/model/flow.ts'
import type { ResolvedTable } from '../packages/tidemark/src/ingest/resolve.ts'
import type { Mark } from '../packages/tidemark/src/ingest/mark.ts'
import { type PlannedFlow, planRun } from '../packages/tidemark/src/run/plan.ts'
import { planTable } from '../packages/tidemark/src/run/table-plan.ts'

const count = Number(process.argv[2] ?? 1000)
const place = { file: 'list.json', line: 1, column: 1 }
const position = {
  identity: 'a',
  order: 950n,
  rowVersions: { horizon: 900n, next: 1000n, maxAge: 2n ** 31n },
  log: 5n,
  asOf: '2026-11-22T12:00:00.000000Z',
  openTransactions: 2,
}

const resolved = (i: number): ResolvedTable => ({
  name: `bronze.t${i}`,
  tablePath: `bronze/t${i}`,
  table: {
    schema: 's',
    table: `t${i}`,
    kind: 'table',
    columns: [],
    primaryKey: ['id'],
    rowEstimate: 10n,
    sizeBytes: 8192n,
    fingerprint: 'f',
    hasRowVersion: true,
    isProvedByOrder: true,
  },
  columns: [],
  isLeftOut: () => false,
  keys: ['id'],
  deletes: 'detect',
  drift: 'addNewColumns',
  timezone: 'UTC',
  cdcCol: undefined,
  asText: column => column,
  settings: 'x',
  fromDate: undefined,
  guarantee: 'A',
  reading: { kind: 'row versions' },
  method: 'xmin scan',
  notes: [],
  entry: {
    source: 'app',
    schema: 's',
    table: `t${i}`,
    exclude: [],
    name: `t${i}`,
    cdcCol: undefined,
    fromDate: undefined,
    primaryKey: undefined,
    deletes: 'detect',
    drift: 'addNewColumns',
    guarantee: undefined,
    lagMs: undefined,
    fullPassMs: undefined,
    nullCursor: undefined,
    filter: undefined,
    masks: {},
    columns: undefined,
    excludeColumns: [],
    asText: [],
    silver: { transform: [], expectations: [] },
    place,
    places: {},
  },
})

const mark = (i: number): Mark => ({
  identity: 'a',
  rowVersions: { horizon: 800n, next: 810n },
  cursor: undefined,
  fullPass: undefined,
  listed: undefined,
  order: i % 2 === 0 ? 950n : 940n,
  log: 4n,
  asOf: '2026-11-22T11:00:00.000000Z',
  seq: 940n,
  seqBase: 0n,
  fingerprint: 'f',
  settings: 'x',
  keys: ['id'],
  liveRows: 10n,
  version: 3n,
  runId: 'r',
  backfills: [],
  content: undefined,
})

const derived = (i: number): DerivedFlow => ({
  kind: 'derived',
  output: 'current',
  name: `silver.t${i}`,
  target: `silver.t${i}`,
  source: `bronze.t${i}`,
  keys: ['id'],
  transform: [],
  expectations: [],
})

const view = (i: number): Flow => ({
  kind: 'materialized view',
  name: `gold.v${i}`,
  target: `gold.v${i}`,
  expectations: [],
  query: {
    text: 'SELECT 1',
    dialect: 'portable',
    place,
    reads: [`silver.t${i}`, `silver.t${(i * 7) % count}`],
    streams: undefined,
    volatile: false,
  },
})

const tables = Array.from({ length: count }, (_, i) => resolved(i))
const marks = tables.map((_, i) => mark(i))
const planned = (flow: Flow): PlannedFlow => ({
  flow,
  status: { kind: 'unchanged', reason: 'inputs are unchanged', version: 1n },
  notes: [],
})
const flows = [...tables.map((_, i) => planned(derived(i))), ...tables.map((_, i) => planned(view(i)))]

const times: number[] = []
for (let round = 0; round < 15; round += 1) {
  const start = performance.now()
  const lines = tables.map((table, i) =>
    planTable(
      table,
      { version: 3n, mark: marks[i], observed: undefined, fitted: undefined, problem: undefined },
      { position },
      { count: undefined, now: 0 },
    ),
  )
  const plan = planRun({ tables: lines, flows, select: undefined, lake: [] })
  times.push(performance.now() - start)
  if (plan.steps.length !== 3 * count) throw new Error('the plan is not whole')
}
times.sort((a, b) => a - b)
const [first, middle] = [times[0] ?? 0, times[7] ?? 0]
process.stdout.write(
  `${count} tables, ${3 * count} steps: best ${first.toFixed(1)} ms, median ${middle.toFixed(1)} ms\n`,
)
