/**
 * A project whose declarations change: tables of one form in a schema of their own, the list written anew, and `plan`
 * and `run` as a user calls them.
 */
import { expect } from 'vitest'
import { type CliProject, createProject, type RunJson } from './cli.ts'
import type { TestDatabase } from './postgres.ts'

export type Entry = { table: string } & Record<string, unknown>

export interface Changing extends CliProject {
  /** Write the table list anew; `config` replaces parts of `tidemark.yml`. */
  list(entries: readonly Entry[], config?: { timezone?: string; source?: string; lake?: string }): Promise<void>
  /** `plan --json`, which may refuse steps. */
  plan(...args: string[]): Promise<PlanJson>
  /** A run that must succeed. */
  succeed(...args: string[]): Promise<RunJson>
  /** A column of a table, in order. */
  column(name: string, table: string): Promise<unknown[]>
}

export interface PlanJson {
  exit: number
  stderr: string
  unfilled: readonly string[]
  steps: readonly string[]
  /** What the plan says of a step: what it expects in one word or two, and its notes. */
  says(step: string): { expect: string; notes: readonly string[] }
}

/** A schema with the named tables, three rows each, and a project over the entries. Nothing has run. */
export async function startChanging(
  database: TestDatabase,
  schema: string,
  tables: readonly string[],
  entries: readonly Entry[],
): Promise<Changing> {
  await database.query(`CREATE SCHEMA ${schema}`)
  for (const table of tables) {
    await database.query(`CREATE TABLE ${schema}.${table} (id int PRIMARY KEY, name text, n int, moved timestamp);
      INSERT INTO ${schema}.${table} SELECT i, 'name ' || i, i, '2026-01-01' FROM generate_series(1, 3) i`)
  }
  const files: FilesOf = (listed, { timezone = 'UTC', source = 'app', lake = './lake' } = {}) => ({
    'tidemark.yml': `name: t\nlake: ${lake}\nsources:
  ${source}: { type: postgres, url: { secret: env:APP_URL }, timezone: ${timezone}, tables: list.json }\n`,
    'list.json': JSON.stringify(listed.map(entry => ({ schema, ...entry }))),
  })
  const project = await createProject(files(entries), { APP_URL: database.url }, 'in this process')
  return {
    ...project,
    list: (...args) => project.write(files(...args)),
    plan: async (...args) => readPlan(await project.tidemark('plan', '--json', ...args)),
    succeed: async (...args) => {
      const done = await project.run(...args)
      expect(done.status, done.stderr).toBe('succeeded')
      return done
    },
    column: async (name, table) => {
      const rows = await project.query(`SELECT ${name} AS c FROM ${table} ORDER BY ALL`)
      return rows.map(row => row['c'])
    },
  }
}

type FilesOf = (...args: Parameters<Changing['list']>) => Record<string, string>

function readPlan({ exit, stdout, stderr }: { exit: number; stdout: string; stderr: string }): PlanJson {
  if (stdout === '') throw new Error(`plan printed no document (exit ${exit}):\n${stderr}`)
  const { steps, unfilled } = JSON.parse(stdout) as {
    steps: { id: string; expect: { kind: string; why?: string; code?: string; rows?: string }; notes: string[] }[]
    unfilled: string[]
  }
  return {
    exit,
    stderr,
    unfilled,
    steps: steps.map(({ id }) => id),
    says: id => {
      const step = steps.find(one => one.id === id)
      if (step === undefined) throw new Error(`no step ${id} among ${steps.map(one => one.id).join(', ')}`)
      const { kind, why, code, rows } = step.expect
      return { expect: [kind, rows, why, code].filter(part => part !== undefined).join(' '), notes: step.notes }
    },
  }
}
