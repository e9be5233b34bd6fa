/**
 * Pruning by the stats and partition values of tables that Spark wrote: no row that DuckDB finds in all files is missing
 * from those that are left. The tables lie beside the repository; without them the test is skipped.
 */
import { existsSync, readdirSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  compare,
  type DataType,
  isDeltaError,
  isNull,
  LocalStore,
  not,
  or,
  type Predicate,
  pruneFiles,
  readSnapshot,
  type Snapshot,
  type StructType,
} from '@tidemark/delta'
import { expect, onTestFinished, test } from 'vitest'
import { openDuckdb } from '../../packages/tidemark/src/engine/duckdb.ts'
import type { Session } from '../../packages/tidemark/src/engine/engine.ts'
import { predicateSql } from '../../packages/tidemark/src/engine/predicate.ts'
import { ident, join as joinSql, type Sql, sql } from '../../packages/tidemark/src/engine/sql.ts'
import { systemIds } from '../../packages/tidemark/src/run/system.ts'

const GOLDEN = join(import.meta.dirname, '../../../shared/data/delta-golden')
const isThere = existsSync(GOLDEN)

/** Columns whose values can be compared, at any depth of structs. */
function leavesOf(struct: StructType, parent: readonly string[] = []): { path: string[]; type: DataType }[] {
  return struct.fields.flatMap(({ name, type }) => {
    const path = [...parent, name]
    if (typeof type === 'string') return type === 'void' || type === 'binary' ? [] : [{ path, type }]
    return type.type === 'struct' ? leavesOf(type, path) : []
  })
}

/** Each comparison with each of some values of the column, and the questions for NULL. */
async function questionsOf(session: Session, rows: Sql, path: string[]): Promise<Predicate<Sql>[]> {
  const column = ident('t', ...path)
  const values = await session.rows(
    sql`SELECT DISTINCT CAST(${column} AS VARCHAR) AS v FROM (${rows}) t WHERE ${column} IS NOT NULL ORDER BY v LIMIT 3`,
  )
  const operators = ['=', '<>', '<', '<=', '>', '>='] as const
  const comparisons = values.flatMap(row => operators.map(op => compare(path, op, String(row['v']))))
  return [...comparisons, ...comparisons.map(not), isNull(path), not(isNull(path))]
}

async function countEach(
  session: Session,
  snapshot: Snapshot,
  questions: readonly Predicate<Sql>[],
  files: readonly string[],
): Promise<bigint[]> {
  const counts = questions.map(
    (q, i) => sql`count(*) FILTER (${predicateSql(q, snapshot.schema, 't')}) AS ${ident(`n${i}`)}`,
  )
  const [row] = await session.rows(sql`SELECT ${joinSql(counts)} FROM (${await session.scan(snapshot, { files })}) t`)
  return Object.values(row ?? {}) as bigint[]
}

async function openTable(folder: string): Promise<{ session: Session; snapshot: Snapshot } | undefined> {
  const store = new LocalStore(GOLDEN)
  const scratch = await mkdtemp(join(tmpdir(), 'tidemark-golden-'))
  const engine = openDuckdb({ store, ids: systemIds, scratch, folders: [GOLDEN] })
  const session = await engine.session()
  onTestFinished(async () => {
    await session[Symbol.asyncDispose]()
    await engine.close()
    await rm(scratch, { recursive: true })
  })
  const snapshot = await readSnapshot({ store, logParquet: engine.logParquet }, { tablePath: folder })
  return snapshot && { session, snapshot }
}

test.skipIf(!isThere)(
  'pruning leaves every matching row of the tables that Spark wrote, and does leave files out',
  { timeout: 300_000 },
  async () => {
    let pruned = 0
    let asked = 0
    const names = readdirSync(GOLDEN, { withFileTypes: true }).flatMap(e => (e.isDirectory() ? [e.name] : []))
    for (const name of names) {
      try {
        const opened = await openTable(`${name}/delta`)
        if (opened === undefined) continue
        const { session, snapshot } = opened
        const all = [...snapshot.files.keys()]
        const rows = await session.scan(snapshot)
        for (const { path } of leavesOf(snapshot.schema)) {
          const questions = await questionsOf(session, rows, path)
          asked += questions.length
          // Questions that leave the same files are asked together.
          const groups = Map.groupBy(questions.keys(), i =>
            pruneFiles(snapshot.files.values(), snapshot, questions[i] ?? or())
              .map(file => file.path)
              .join(),
          )
          for (const [kept, group] of groups) {
            const files = kept === '' ? [] : kept.split(',')
            pruned += group.length * (all.length - files.length)
            if (files.length === all.length) continue
            const asking = group.map(i => questions[i] ?? or())
            const found = await countEach(session, snapshot, asking, files)
            const where = `${name} ${path.join('.')} ${JSON.stringify(asking)}`
            expect(found, where).toEqual(await countEach(session, snapshot, asking, all))
          }
        }
      } catch (error) {
        // What cannot be read is tested where reading is.
        if (!isDeltaError(error)) throw error
      }
    }
    expect(asked).toBeGreaterThan(1000)
    expect(pruned).toBeGreaterThan(1000)
  },
)
