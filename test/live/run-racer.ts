/**
 * One of the processes that race over a lake in a store: it changes the source and runs the project, until all its changes
 * are made, however often it is killed. How far it came is in the source.
 *
 * Arguments: project folder, name, number of changes. Environment: that of the project. Prints `done <table> <version>
 * <run>` for each table that a run said it changed.
 */
import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import { runInProcess } from '../support/cli-in-process.ts'

const [cwd = '.', name = '', count = '0'] = process.argv.slice(2)

interface RunDocument {
  runId: string
  steps: { table: string; status: string; versionAfter: string | null }[]
}

/** A row of its own table, one of the table that all share, and a new value of a row that all change, together. */
const change = (n: number): string => `BEGIN;
  INSERT INTO own_${name} VALUES (${n}, 'of ${name}');
  INSERT INTO shared VALUES ('${name}-${n}', ${n});
  UPDATE counter SET n = n + 1, who = '${name}-${n}' WHERE id = 1;
  COMMIT`

async function main(): Promise<void> {
  const client = new pg.Client(process.env['RACE_URL'])
  await client.connect()
  for (;;) {
    const { rows } = await client.query<{ n: number }>(`SELECT count(*)::int AS n FROM own_${name}`)
    const made = rows[0]?.n ?? 0
    if (made >= Number(count)) break
    await client.query(change(made + 1))
    const { runId, steps } = await run()
    for (const { table, status, versionAfter } of steps)
      if (status === 'changed') process.stdout.write(`done ${table} ${versionAfter} ${runId}\n`)
    process.stdout.write('ran\n')
  }
  await client.end()
}

/** A run once the others let it. */
async function run(): Promise<RunDocument> {
  for (;;) {
    const { exit, stdout, stderr } = await runInProcess(['run', '--json'], { cwd, env: process.env })
    if (exit === 0) return JSON.parse(stdout) as RunDocument
    if (!stderr.includes('RUN_IN_PROGRESS')) throw new Error(`a run ended with ${exit}: ${stderr}`)
    // Whoever waits leaves the processors to the one that runs: each look is a start of the whole program.
    await delay(250)
  }
}

await main()
