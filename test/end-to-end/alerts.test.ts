/** Alerts through the command line: whatever keeps a run from doing its work is told, once, and so is the recovery. */
import { rmSync, writeFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import type { ServerResponse } from 'node:http'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { parseSigningSecret, signWebhook } from '../../packages/tidemark/src/alerts/signature.ts'
import { type CliProject, createProject, readAll, runBegun } from '../support/cli.ts'
import { startHookServer } from '../support/receivers.ts'
import { createDatabase, type TestDatabase } from '../support/postgres.ts'

let database: TestDatabase

const PROJECT = `name: shop
sources:
  app: { type: postgres, url: { secret: env:SHOP_URL }, tables: list.json }
alerts:
  channels: { mail: { email: { to: a@example.org, from: b@example.org, smtp: { secret: env:SMTP } } } }
  rules: [{ on: [failure, recovery], send: mail }]
targets: { dev: { default: true, mode: development } }
`
const LIST = '[{ "schema": "public", "table": "item" }]'

beforeAll(async () => {
  database = await createDatabase(import.meta.url)
  await database.query('CREATE TABLE item (id int PRIMARY KEY, name text); INSERT INTO item VALUES (1, NULL)')
})

const HOOK_PROJECT = `name: shop
sources:
  app: { type: postgres, url: { secret: env:SHOP_URL }, tables: list.json }
alerts:
  channels: { hook: { webhook: { secret: env:HOOK }, sign: { secret: env:HOOK_KEY }, allow_private: true } }
  rules: [{ on: [failure, recovery], send: hook }]
targets: { prod: { default: true, mode: production } }
`
const HOOK_KEY = `whsec_${Buffer.alloc(32, 7).toString('base64')}`
const GONE = '[{ "schema": "public", "table": "gone" }]'

const project = (files: Record<string, string>): Promise<CliProject> =>
  createProject(
    { 'tidemark.yml': PROJECT, ...files },
    { SHOP_URL: database.url, SMTP: 'smtp://127.0.0.1:9' },
    'in this process',
  )

test('a table list that cannot be read raises an alert, and its repair a recovery', async () => {
  const shop = await project({ 'list.json': '[{ "schema": public }]' })
  const broken = await shop.tidemark('run')
  expect(broken.exit).toBe(2)
  expect(broken.stderr).toContain('alert to mail')
  expect(broken.stderr).toContain('Run ')
  await shop.write({ 'list.json': LIST })
  const repaired = await shop.tidemark('run')
  expect(repaired.exit).toBe(0)
  expect(repaired.stderr).toContain('recovered')
  const quiet = await shop.tidemark('run')
  expect(quiet.exit).toBe(0)
  expect(quiet.stderr).not.toContain('alert to')
})

test('a flow that names an unknown table ends the run as failed, not as abandoned, and raises an alert', async () => {
  const gold = 'CREATE OR REFRESH MATERIALIZED VIEW gold.v AS SELECT id FROM silver.nothing;'
  const shop = await project({ 'list.json': LIST, 'gold/v.sql': gold })
  const failed = await shop.tidemark('run')
  expect(failed.exit).toBe(2)
  expect(failed.stderr).toContain('alert to mail')
  expect((await shop.query('SELECT status FROM system.runs')).map(row => row['status'])).toEqual(['failed'])
})

test('a rule that names an unknown column fails its own step under its own code, and bronze goes on', async () => {
  const rule = { schema: 'public', table: 'item', silver: { expect_or_drop: { named: 'nmae IS NOT NULL' } } }
  const shop = await project({ 'list.json': JSON.stringify([rule]) })
  const { exit, step } = await shop.run()
  expect(exit).toBe(2)
  expect(step('bronze.item').status).toBe('changed')
  expect(step('silver.item').problem).toMatchObject({ code: 'FLOW_UNKNOWN_COLUMN' })
  expect(step('silver.item').problem?.message).toContain('Did you mean name?')
})

test('a webhook is signed with the key of its channel, which is shown nowhere', async () => {
  await using hook = await startHookServer((_n, response) => response.writeHead(204).end())
  const shop = await project({ 'tidemark.yml': HOOK_PROJECT, 'list.json': GONE })
  Object.assign(shop.env, { HOOK: `http://127.0.0.1:${hook.port}/in`, HOOK_KEY })
  const ended = await shop.tidemark('run')
  expect(ended.exit, ended.stderr).toBe(1)
  const [post] = hook.posts
  const { id } = JSON.parse(post?.body ?? '{}') as { id: string }
  const timestamp = Number(post?.headers['webhook-timestamp'])
  const key = parseSigningSecret(HOOK_KEY) ?? new Uint8Array()
  expect(post?.headers['webhook-id']).toBe(id)
  expect(post?.headers['webhook-signature']).toBe(signWebhook(key, { id, timestamp, body: post?.body ?? '' }))
  expect([ended.stdout, ended.stderr, await readAll(shop.lake)].join('\n')).not.toContain(HOOK_KEY.slice(6))
})

test.each([
  { because: 'is missing', key: undefined, says: /HOOK_KEY.*is not set/ },
  { because: 'is no key', key: 'short', says: /ALERT_NOT_DELIVERED.*signing secret/s },
])('a signing key that $because keeps the alert until there is one, and is a warning', async ({ key, says }) => {
  await using hook = await startHookServer((_n, response) => response.writeHead(204).end())
  const shop = await project({ 'tidemark.yml': HOOK_PROJECT, 'list.json': GONE })
  Object.assign(shop.env, { HOOK: `http://127.0.0.1:${hook.port}/in`, HOOK_KEY: key })
  const unsigned = await shop.tidemark('run')
  expect(unsigned.exit).toBe(1)
  expect(unsigned.stderr).toMatch(says)
  expect(hook.posts).toEqual([])
  Object.assign(shop.env, { HOOK_KEY })
  await shop.write({ 'list.json': LIST })
  expect((await shop.tidemark('run')).exit).toBe(0)
  expect(hook.posts.map(post => (JSON.parse(post.body) as { table: string }).table)).toEqual(['bronze.gone'])
})

describe('a webhook that is told of a failure', () => {
  const RARELY = HOOK_PROJECT.replace('send: hook }', 'send: hook, repeat_after: 1d }').replace(
    ', sign: { secret: env:HOOK_KEY }',
    '',
  )

  /** A project whose second table is missing, and what its webhook received: kind, table and id of each alert. */
  async function start(
    answer: (n: number, response: ServerResponse) => void,
  ): Promise<
    { shop: CliProject; received: () => { kind: string; table: string | null; id: string }[] } & AsyncDisposable
  > {
    const hook = await startHookServer(answer)
    const shop = await project({ 'tidemark.yml': RARELY, 'list.json': GONE })
    Object.assign(shop.env, { HOOK: `http://127.0.0.1:${hook.port}/in` })
    const received = (): { kind: string; table: string | null; id: string }[] =>
      hook.posts.map(post => JSON.parse(post.body) as { kind: string; table: string | null; id: string })
    return { shop, received, [Symbol.asyncDispose]: () => hook[Symbol.asyncDispose]() }
  }

  test('hears of it once while it goes on, of its end, and at once when it comes back', async () => {
    await using at = await start((_n, response) => response.writeHead(204).end())
    for (const exit of [1, 1, 1]) expect((await at.shop.tidemark('run')).exit).toBe(exit)
    expect(at.received()).toMatchObject([{ kind: 'failure', table: 'bronze.gone' }])
    await database.query('CREATE TABLE gone (id int PRIMARY KEY)')
    expect((await at.shop.tidemark('run')).exit).toBe(0)
    await database.query('DROP TABLE gone')
    expect((await at.shop.tidemark('run')).exit).toBe(1)
    expect(at.received().map(({ kind }) => kind)).toEqual(['failure', 'recovery', 'failure'])
  })

  test('and is away while the process is killed hears of it from the next one, under the same id', async () => {
    const answers: (() => void)[] = []
    await using at = await start((n, response) => {
      if (n > 0) response.writeHead(204).end()
      else answers.forEach(answer => answer())
    })
    const asked = new Promise<void>(resolve => answers.push(resolve))
    const running = at.shop.start('run')
    await asked
    running.kill('SIGKILL')
    await running.ended
    expect((await at.shop.tidemark('run')).exit).toBe(1)
    expect((await at.shop.tidemark('run')).exit).toBe(1)
    const [first, second, ...more] = at.received()
    expect(second).toEqual(first)
    expect(more).toEqual([])
  })

  test('hears of a run that was killed before its end, from the next one', async () => {
    await using at = await start((_n, response) => response.writeHead(204).end())
    await at.shop.write({ 'list.json': LIST })
    const somebody = await database.connect()
    await somebody.query('BEGIN; LOCK TABLE item IN ACCESS EXCLUSIVE MODE')
    const running = at.shop.start('run')
    await runBegun(at.shop)
    running.kill('SIGKILL')
    await running.ended
    await somebody.query('ROLLBACK')
    expect((await at.shop.tidemark('run')).exit).toBe(0)
    expect((await at.shop.tidemark('run')).exit).toBe(0)
    expect(at.received()).toMatchObject([{ kind: 'failure', table: null, error_code: 'RUN_ENDED_EARLY' }])
  })
})

test('a lake that cannot be used is told at once, because it can keep no alert; a second run is nothing to tell of', async () => {
  await using hook = await startHookServer((_n, response) => response.writeHead(204).end())
  const shop = await project({ 'tidemark.yml': HOOK_PROJECT, 'list.json': LIST, lake: 'my notes' })
  Object.assign(shop.env, { HOOK: `http://127.0.0.1:${hook.port}/in`, HOOK_KEY })
  expect((await shop.tidemark('run')).exit).toBe(3)
  expect(hook.posts.map(post => JSON.parse(post.body) as object)).toMatchObject([
    { kind: 'failure', table: null, error_code: 'LAKE_NOT_WRITABLE', pipeline_name: 'shop', target: 'prod' },
  ])
  expect(hook.posts[0]?.headers['webhook-signature']).toMatch(/^v1,/)
  await rm(shop.lake)
  const somebody = await database.connect()
  await somebody.query('BEGIN; LOCK TABLE item IN ACCESS EXCLUSIVE MODE')
  const first = shop.start('run')
  await runBegun(shop)
  expect((await shop.tidemark('run')).stderr).toContain('error RUN_IN_PROGRESS: ')
  await somebody.query('ROLLBACK')
  expect((await first.ended).exit).toBe(0)
  expect(hook.posts).toHaveLength(1)
})

test('an outbox that breaks while it is emptied is a warning; the run keeps its outcome and nobody is told twice', async () => {
  const shop = await project({ 'tidemark.yml': HOOK_PROJECT, 'list.json': `[${LIST.slice(1, -1)}, ${GONE.slice(1)}` })
  const outbox = join(shop.lake, 'system', 'alerts')
  await using hook = await startHookServer((_n, response) => {
    rmSync(outbox, { recursive: true })
    writeFileSync(outbox, 'no folder')
    response.writeHead(204).end()
  })
  Object.assign(shop.env, { HOOK: `http://127.0.0.1:${hook.port}/in`, HOOK_KEY })
  const run = await shop.run()
  expect(run.exit).toBe(1)
  expect(run.step('silver.item').status).toBe('changed')
  expect(run.step('bronze.gone').problem?.code).toBe('SOURCE_TABLE_MISSING')
  expect(run.warnings).toMatchObject([expect.stringContaining('system/alerts')])
  expect(hook.posts).toHaveLength(1)
})
