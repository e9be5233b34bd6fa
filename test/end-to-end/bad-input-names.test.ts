/** Names that nobody should give a table, given: loaded, refined, queried and verified under exactly these names. */
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { expectFailedStep, expectProblem } from '../support/cli.ts'
import { createDatabase, type TestDatabase } from '../support/postgres.ts'
import { createShop } from '../support/shop.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await createDatabase(import.meta.url)
})
afterAll(() => database.drop())

const quote = (name: string): string => `"${name.replaceAll('"', '""')}"`

const backtick = (name: string): string => `\`${name.replaceAll('`', '``')}\``

/** `column` is what the lake calls it: Delta's names have no blanks and none of ,;{}()=. */
const NAMES: readonly { table: string; column: string; lakeColumn?: string }[] = [
  { table: 'say "hi"', column: 'a "quoted" one', lakeColumn: 'a_"quoted"_one' },
  { table: "it's", column: "o'clock" },
  { table: 'two words', column: 'first name', lakeColumn: 'first_name' },
  { table: 'ønsker 愛 🎵', column: 'größe_愛' },
  { table: 'select', column: 'from' },
  { table: 'group', column: 'order' },
  { table: 'user', column: 'table' },
  { table: 'a.b', column: 'c.d' },
  { table: '100%', column: '50%' },
  { table: 'back\\slash', column: 'tab\\t' },
  { table: 'semi;colon--', column: "drop'--" },
  { table: 'x'.repeat(63), column: 'y'.repeat(63) },
  { table: '../up', column: '$dollar' },
  { table: 'glob[ab]?{c}', column: 'back`tick' },
]

test('every table of hostile names is loaded, follows changes, is queried and equals the source', async () => {
  await database.query('CREATE SCHEMA "sp ace""d"')
  for (const { table, column } of NAMES) {
    const name = `"sp ace""d".${quote(table)}`
    await database.query(
      `CREATE TABLE ${name} (id int PRIMARY KEY, ${quote(column)} text); INSERT INTO ${name} VALUES (1, 'one'), (2, 'two')`,
    )
  }
  const entries = NAMES.map(({ table }) => ({ schema: 'sp ace"d', table }))
  const project = await createShop(database, 'names', {
    inProcess: true,
    list: JSON.stringify(entries, undefined, 1),
    flows: {
      'gold/n.sql': `CREATE MATERIALIZED VIEW gold.n AS SELECT s.\`from\` AS a, w.first_name AS b
        FROM silver.\`select\` s JOIN silver.\`two words\` w ON s.id = w.id`,
    },
  })
  const first = await project.run()
  expect(first.steps.filter(step => step.problem !== null).map(step => [step.step, step.problem])).toEqual([])
  for (const { table, column } of NAMES) {
    await database.query(`UPDATE "sp ace""d".${quote(table)} SET ${quote(column)} = 'new' WHERE id = 2`)
  }
  expect((await project.run()).steps.filter(step => step.status !== 'changed').map(step => step.step)).toEqual([])
  const selects = NAMES.map(
    ({ table, column, lakeColumn = column }, i) =>
      `SELECT ${i} AS t, id, ${quote(lakeColumn)} AS v FROM silver.${i % 2 === 0 ? quote(table) : backtick(table)}`,
  )
  expect(await project.query(`${selects.join(' UNION ALL ')} ORDER BY t, id`)).toEqual(
    NAMES.flatMap((_, i) => [
      { t: String(i), id: '1', v: 'one' },
      { t: String(i), id: '2', v: 'new' },
    ]),
  )
  expect(await project.query('SELECT a, b FROM gold.n ORDER BY a')).toEqual([
    { a: 'new', b: 'new' },
    { a: 'one', b: 'one' },
  ])
  const verify = await project.tidemark('verify', '--json')
  const verdicts = JSON.parse(verify.stdout) as { table: string; status: string }[]
  expect(verdicts.map(({ table, status }) => [table, status])).toEqual(
    NAMES.map(({ table }) => [`bronze.${table}`, 'equal']),
  )
  for (const command of ['status', 'tables', 'plan']) expect((await project.tidemark(command)).exit, command).toBe(0)
})

test('a name that no folder can have is refused at its entry, and the other tables go on', async () => {
  const names = ['..', '.', 'con', `${'x'.repeat(60)}愛`]
  const project = await createShop(database, 'dots', {
    inProcess: true,
    entries: names.map(table => ({ schema: 'dots', table })),
  })
  for (const table of names) await database.query(`CREATE TABLE dots.${quote(table)} (id int PRIMARY KEY)`)
  const run = await project.run()
  for (const [i, table] of names.slice(0, 3).entries()) {
    expectFailedStep(run, `bronze.${table}`, {
      exit: 2,
      code: 'TABLE_NAME_INVALID',
      place: `loop_input.json:${3 + i}:28`,
    })
    expect(run.step(`bronze.${table}`).problem?.hint).toContain('`name:`')
    expect(run.step(`silver.${table}`).status).toBe('skipped')
  }
  expect(run.step('silver.users').status).toBe('changed')
  expect(run.step(`silver.${names[3]}`).status).not.toBe('failed')
  const validate = await project.tidemark('validate')
  expectProblem(validate, { exit: 2, code: 'TABLE_NAME_INVALID', place: 'loop_input.json:3:28' })
  expect(validate.stderr.match(/error TABLE_NAME_INVALID/g)).toHaveLength(3)
  expect((await project.tidemark('plan')).stdout).toMatch(/bronze\.\.\. .*refused: TABLE_NAME_INVALID/)
  expect((await project.tidemark('status')).stdout).toMatch(/bronze\.\.\. .*TABLE_NAME_INVALID/)
  expect((await readdir(project.root)).sort()).toEqual(['lake', 'loop_input.json', 'tidemark.yml'])
  expect((await readdir(join(project.lake, 'bronze'))).length).toBe(2)
})
