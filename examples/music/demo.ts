/**
 * The whole story in one command: a database, a lake, a day of changes, an accident, and the proof. Ends with exit code 0
 * only when the proof holds. Project, lake and database stay for you to look at.
 */
import { relative } from 'node:path'
import type { Client } from 'pg'
import { ACCIDENT, applyChanges, DAY, HELD, holdTransaction, NEXT_DAY, REPAIR } from './changes.ts'
import { PROJECT, showCommand } from './cli.ts'
import { fillDatabase } from './database.ts'
import { startEmulator, STORE } from './lake-store.ts'
import { type MailServer, startMailServer } from './mail.ts'
import { compareLake } from './proof.ts'
import { compareRecipe, createRecipe, runRecipe } from './recipe.ts'
import { connect, startAfresh, writeEnvironment } from './server.ts'
import { grouped, heading, list, say, table } from './story.ts'

const SEED = 20_251_001
/** A lake in a store has a target of its own, in which alerts are sent too. */
const RUN = STORE === 'folder' ? ['run', '--target', 'demo'] : ['run']

interface Stage {
  client: Client
  mail: MailServer
}

async function firstDay({ client }: Stage, other: Client): Promise<() => Promise<void>> {
  heading('2. The first run')
  const commit = await holdTransaction(other)
  say('A transaction is open while we copy. What it has written, nobody can see yet:')
  list([HELD.story])
  say('')
  await runRecipe(client, 1)
  await showCommand(RUN)
  return commit
}

async function dayOfChanges({ client }: Stage, commit: () => Promise<void>): Promise<void> {
  heading('3. A day of changes, and the second run')
  await commit()
  await applyChanges(client, DAY)
  list(['the open transaction commits', ...DAY.map(change => change.story)])
  say('')
  await runRecipe(client, 2)
  await showCommand(RUN)
}

async function accident({ client, mail }: Stage): Promise<void> {
  heading('4. An accident')
  const changes = [...NEXT_DAY, ACCIDENT]
  await applyChanges(client, changes)
  list(changes.map(change => change.story))
  say('The run fails, and says so; what does not depend on the lost table goes on.', '')
  await runRecipe(client, 3)
  await showCommand(RUN, 1)
  showMail(mail, 'failure')
  heading('5. Recovery')
  await applyChanges(client, [REPAIR])
  list([REPAIR.story])
  say('')
  await runRecipe(client, 4)
  await showCommand(RUN)
  showMail(mail, 'recovery')
}

/** Print the newest mail; an alert that did not arrive is a failed demo. */
function showMail(mail: MailServer, kind: string): void {
  const newest = mail.mails.at(-1)
  if (newest === undefined) throw new Error(`no ${kind} alert arrived`)
  say('', `Mail ${mail.mails.length} to ${newest.to} has arrived:`, `  │ Subject: ${newest.subject}`, '  │')
  for (const line of newest.text.trimEnd().split('\n')) say(`  │ ${line}`.trimEnd())
}

async function lookAround(): Promise<void> {
  heading('6. What is in the lake')
  await showCommand(['verify'])
  say('')
  await showCommand(['status'])
  say('', 'A row that broke a rule is kept, with the reason:')
  await showCommand(['quarantine', 'list'])
  say('', 'Each state of user 44, from when to when:')
  await showCommand([
    'query',
    'SELECT user_name, subscription_type, __START_AT, __END_AT FROM gold.dim_user WHERE user_id = 44 ORDER BY __START_AT',
  ])
  say('', 'Who listens most:')
  await showCommand([
    'query',
    'SELECT country, sum(streams) AS streams, sum(seconds) // 3600 AS hours FROM gold.listening_by_country GROUP BY country ORDER BY streams DESC LIMIT 5',
  ])
}

/** Compute the proof and print it; true when every table equals its source. */
async function proof({ client }: Stage): Promise<boolean> {
  heading('7. The proof')
  say(
    '`tidemark verify` above is our word. Without it: one MD5 over all rows of a table, by Postgres and from the lake.',
  )
  const compared = await compareLake(client)
  table(
    ['table', 'source rows', 'lake rows', ''],
    compared.map(one => [one.table, one.sourceRows, one.lakeRows, one.equal ? 'equal' : 'DIFFERENT']),
  )
  say('  silver.FactStream is compared with the source without the one stream that is in quarantine.')
  say('', 'The common recipe (`WHERE cdc_col > last`, then MAX), run at the same moments on the same database:')
  const differences = await compareRecipe(client)
  table(
    ['table', 'lost', 'stale', 'ghosts'],
    differences.map(one => [one.table, one.lost, one.stale, one.ghosts]),
  )
  const lost = differences.reduce((sum, one) => sum + one.lost + one.stale + one.ghosts, 0)
  const differing = compared.filter(one => !one.equal)
  const equalTables = differences.filter(one => !differing.some(other => other.table.endsWith(`.${one.table}`)))
  say(
    '',
    `${equalTables.length} tables equal the source; the common \`cdc_col > last\` recipe on these changes loses ${grouped(lost)} rows.`,
  )
  return differing.length === 0 && compared.length === 2 * differences.length
}

async function main(): Promise<void> {
  say('Tidemark demo: a music service, its database, and a lake that never loses a row.')
  heading('1. A database')
  await using server = await startAfresh()
  await using mail = await startMailServer()
  await using emulator = await startEmulator()
  await writeEnvironment(server, mail.url, emulator.env)
  Object.assign(process.env, emulator.machine)
  if (emulator.story !== undefined) say(emulator.story)
  const [client, other] = [await connect(server), await connect(server)]
  try {
    const rows = await fillDatabase(client, SEED)
    await createRecipe(client)
    say(`PostgreSQL from npm on ${server.host}:${server.port}: 5 tables, ${grouped(rows)} rows.`)
    const stage = { client, mail }
    const commit = await firstDay(stage, other)
    await dayOfChanges(stage, commit)
    await accident(stage)
    await lookAround()
    if (!(await proof(stage))) throw new Error('the lake differs from its source; the table above says where')
  } finally {
    await Promise.all([client.end(), other.end()])
  }
  if (STORE === 'folder') farewell(relative(process.cwd(), PROJECT))
  else say('', 'The emulator is stopped, and with it the lake is gone.')
}

function farewell(folder: string): void {
  heading('Now you')
  say(
    `Project, lake and database are in ${folder}. Three commands to try:`,
    '  npm run demo:db   # in a second terminal: starts the database again',
    `  node_modules/.bin/tidemark plan -p ${folder}`,
    `  node_modules/.bin/tidemark query -p ${folder} "SELECT * FROM gold.dim_user WHERE user_id IN (77, 101)"`,
  )
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130))
try {
  await main()
} catch (error) {
  process.stderr.write(`\ndemo: ${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = 1
}
