/**
 * The scoreboard: what each tool makes of a late commit, a tie, a kill and more. Starts its own PostgreSQL, gives every
 * tool a database of its own for each scenario, and removes everything at the end.
 *
 *   node --conditions=source bench/scoreboard/run.ts [--only TEXT of the tool's name] [--scenario TEXT]
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import pg from 'pg'
import { type RunningPostgres, startPostgres } from '../../examples/postgres.ts'
import type { Contender } from './contender.ts'
import { listContenders } from './contenders.ts'
import { insert, type Scenario, SCENARIOS } from './scenarios.ts'

const TABLE = 'CREATE TABLE changes (id bigint PRIMARY KEY, changed_at timestamptz, qty int, note text)'

const { values: options } = parseArgs({
  options: { only: { type: 'string', default: '' }, scenario: { type: 'string', default: '' } },
})

async function main(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'tidemark-score-'))
  const server = await startPostgres({ directory: join(folder, 'postgres') })
  try {
    const contenders = (await listContenders()).filter(({ name }) => name.includes(options.only))
    process.stdout.write(
      `| | ${contenders.map(({ name }) => name).join(' | ')} |\n|---|${'---|'.repeat(contenders.length)}\n`,
    )
    const played = SCENARIOS.filter(({ name }) => name.includes(options.scenario))
    for (const [n, scenario] of played.entries()) {
      const verdicts: string[] = []
      for (const [m, contender] of contenders.entries())
        verdicts.push(await score(scenario, contender, { server, folder, name: `s${n}_${m}` }))
      process.stdout.write(`| ${scenario.name} | ${verdicts.join(' | ')} |\n`)
    }
  } finally {
    await server.stop()
    await rm(folder, { recursive: true, force: true })
    await rm(server.directory, { recursive: true, force: true })
  }
}

interface Place {
  server: RunningPostgres
  folder: string
  name: string
}

/** Every time the scenario is played; what came out more than once is counted. */
async function score(scenario: Scenario, contender: Contender, place: Place): Promise<string> {
  const verdicts = new Map<string, number>()
  const times = scenario.times ?? 1
  for (let time = 1; time <= times; time += 1) {
    const verdict = (await play(scenario, contender, { ...place, name: `${place.name}_${time}` }, time)) || 'OK'
    verdicts.set(verdict, (verdicts.get(verdict) ?? 0) + 1)
  }
  return [...verdicts].map(([verdict, count]) => (times === 1 ? verdict : `${verdict} x${count}`)).join('; ')
}

async function play(scenario: Scenario, contender: Contender, place: Place, time: number): Promise<string> {
  const { server, name } = place
  await server.query(`CREATE DATABASE ${name}`)
  await server.query(`CREATE DATABASE ${name}_target`)
  const [source, other] = [await connect(server.url(name)), await connect(server.url(name))]
  try {
    await source.query(TABLE)
    await insert(source, 1, scenario.rows ?? 1000)
    const at = { url: server.url(name), target: server.url(`${name}_target`), folder: join(place.folder, name) }
    return await scenario.play({ subject: await contender.open(at), source, other }, time)
  } finally {
    await source.end()
    await other.end()
  }
}

async function connect(url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  return client
}

await main()
