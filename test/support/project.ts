/**
 * A whole project on disk, as a user writes it: tidemark.yml, table list, flows. It is run in this process by the real
 * parts, and its tables are read back through the engine.
 */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { LocalStore, type ObjectStore } from '@tidemark/delta'
import { createSourceOpener } from '../../packages/tidemark/src/cli/source-opener.ts'
import { type LoadedProject, loadProject } from '../../packages/tidemark/src/config/load-project.ts'
import { openDuckdb } from '../../packages/tidemark/src/engine/duckdb.ts'
import type { Row } from '../../packages/tidemark/src/engine/engine.ts'
import { join as joinSql, raw, type Sql, sql } from '../../packages/tidemark/src/engine/sql.ts'
import { loadFlows } from '../../packages/tidemark/src/flows/language/load-flows.ts'
import type { Verdict } from '../../packages/tidemark/src/ingest/verify.ts'
import type { StepResult } from '../../packages/tidemark/src/model/event.ts'
import type { LakeStore } from '../../packages/tidemark/src/model/ports.ts'
import { openLake } from '../../packages/tidemark/src/run/lake.ts'
import { listTables, openTable } from '../../packages/tidemark/src/run/lake-tables.ts'
import { type RunOutcome, runProject } from '../../packages/tidemark/src/run/run-project.ts'
import { systemClock, systemIds, systemProcesses } from '../../packages/tidemark/src/run/system.ts'
import { verifyTables } from '../../packages/tidemark/src/run/verify-tables.ts'
import { never } from './source.ts'

export interface ProjectFiles {
  /** Connection string of the one source, `app`. */
  url: string
  /** The table list. */
  tables: readonly object[]
  /** Flow files by their path inside the project. */
  flows?: Readonly<Record<string, string>>
  /** Steps side by side; 1 makes the order of store calls repeat. */
  parallel?: number
  /** More keys of the source, for example `{ slot: 'app' }`. */
  source?: object
}

export interface TestProject extends LakeStore, AsyncDisposable {
  root: string
  lake: string
  /** Environment in which a command line finds the source. */
  env: Readonly<Record<string, string>>
  /** Run once. `openStore` may put itself between the run and the lake's folder. */
  run(openStore?: (root: string) => ObjectStore): Promise<RunOutcome>
  /** `verify` over every bronze table. */
  verify(): Promise<Verdict[]>
  /** Names of all tables of the lake. */
  tables(): Promise<string[]>
  /** Rows of a DuckDB query in which `{gold.t}` stands for a table's current version. */
  rows(query: string): Promise<Row[]>
}

export async function createProject(files: ProjectFiles): Promise<TestProject> {
  const root = await mkdtemp(join(tmpdir(), 'tidemark-project-'))
  await writeProject(root, files)
  const env = { APP_DATABASE_URL: files.url }
  const loaded = await loadProject({ root, vars: {}, env, loadFlows })
  const { lake } = loaded.project
  await mkdir(lake, { recursive: true })
  const store = new LocalStore(lake)
  // The reader's own scratch lies outside the lake, where no run sweeps it.
  const engine = openDuckdb({ store, ids: systemIds, scratch: join(root, 'reader'), folders: [lake] })
  return {
    root,
    lake,
    env,
    store,
    logParquet: engine.logParquet,
    run: openStore => runLoaded(loaded, openStore),
    verify: () => verifyLoaded(loaded),
    tables: () => listTables(store),
    rows: async query => {
      await using session = await engine.session()
      const parts = query.split(/\{(\w+\.[^}]+)\}/)
      const pieces: Sql[] = []
      for (const [i, part] of parts.entries()) {
        if (i % 2 === 0) {
          pieces.push(raw(part))
          continue
        }
        const { snapshot } = await openTable({ store, logParquet: engine.logParquet }, part)
        pieces.push(sql`(${await session.scan(snapshot)})`)
      }
      return await session.rows(joinSql(pieces, ''))
    },
    [Symbol.asyncDispose]: async () => {
      await engine.close()
      await rm(root, { recursive: true, force: true })
    },
  }
}

/** Steps of a run that did not succeed, with the reason: an empty list reads well in a failed assertion. */
export function failures({ results }: RunOutcome): string[] {
  return results
    .filter(({ status }) => status === 'failed' || status === 'skipped')
    .map(({ step, status, reason, problem }) => `${step} ${status}: ${problem?.message ?? reason ?? ''}`)
}

/** Steps whose ledger does not add up, with the ledger. Every row read is in exactly one bucket. */
export function unbalanced(results: readonly StepResult[]): string[] {
  return results.flatMap(({ step, ledger }) => {
    if (ledger === undefined || ledger.kind === 'materialized view') return []
    const { kind: _kind, ...counts } = ledger
    return imbalance(step, new Map(Object.entries(counts)))
  })
}

/** The same for the document of `run --json`. */
export function unbalancedSteps(document: string): string[] {
  const { steps } = JSON.parse(document) as { steps: { step: string; ledger: Record<string, string> | null }[] }
  return steps.flatMap(({ step, ledger }) => {
    if (ledger === null || ledger['kind'] === 'materialized view') return []
    return imbalance(step, new Map(Object.entries(ledger).filter(([name]) => name !== 'kind')))
  })
}

function imbalance(step: string, counts: ReadonlyMap<string, string | bigint>): string[] {
  const beside = new Set(['read', 'deletes', 'rescued', 'staleByRule', 'warned'])
  const sum = [...counts].reduce((total, [name, rows]) => total + (beside.has(name) ? 0n : BigInt(rows)), 0n)
  const read = BigInt(counts.get('read') ?? 0)
  return sum === read ? [] : [`${step}: read ${read}, accounted for ${sum}`]
}

async function writeProject(
  root: string,
  { url, tables, flows = {}, parallel = 4, source = {} }: ProjectFiles,
): Promise<void> {
  const project = {
    name: 'test',
    lake: './lake',
    sources: {
      app: {
        type: url.slice(0, url.indexOf(':')),
        url: { secret: 'env:APP_DATABASE_URL' },
        timezone: 'UTC',
        ...source,
        tables: 'list.json',
      },
    },
    flows: ['flows/**'],
    parallel,
  }
  // JSON is YAML.
  const written: Record<string, string> = {
    'tidemark.yml': JSON.stringify(project),
    'list.json': JSON.stringify(tables),
    ...flows,
  }
  for (const [path, content] of Object.entries(written)) {
    await mkdir(dirname(join(root, path)), { recursive: true })
    await writeFile(join(root, path), content)
  }
}

function runLoaded(loaded: LoadedProject, openStore?: (root: string) => ObjectStore): Promise<RunOutcome> {
  const opener = createSourceOpener({ clock: systemClock }, loaded)
  const ports = { clock: systemClock, ids: systemIds, processes: systemProcesses, opener }
  return runProject(openStore === undefined ? ports : { ...ports, openStore }, {
    project: loaded.project,
    select: undefined,
    reloadSource: [],
    fullRefresh: [],
    allowMassDelete: [],
    acceptLists: [],
    emit: () => undefined,
    onPlan: () => undefined,
    beforeEnd: () => Promise.resolve(),
    signal: never,
  })
}

async function verifyLoaded(loaded: LoadedProject): Promise<Verdict[]> {
  const opener = createSourceOpener({ clock: systemClock }, loaded)
  const ports = { clock: systemClock, ids: systemIds, processes: systemProcesses, opener }
  await using lake = await openLake(loaded.project.lake, { work: 'verify', ids: systemIds, processes: systemProcesses })
  return await verifyTables({ ports, project: loaded.project, lake, emit: () => undefined, signal: never }, [])
}
