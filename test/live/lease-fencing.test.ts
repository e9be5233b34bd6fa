/**
 * A run is stopped while it reads, for longer than its lease; another takes the lake, reads on and ends; then the first
 * goes on. Its commit is refused, and the lake is the source's. In a folder, on Azurite and on moto.
 */
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Clock } from '../../packages/tidemark/src/model/ports.ts'
import { systemClock, systemProcesses } from '../../packages/tidemark/src/run/system.ts'
import { type CliProject, createProject, type Ended, readRun } from '../support/cli.ts'
import { runInProcess } from '../support/cli-in-process.ts'
import { AZURITE_ACCOUNT, AZURITE_KEY, startAzurite } from '../support/cloud/azurite.ts'
import { findMissingMoto, MOTO_LOGIN, startMoto } from '../support/cloud/moto.ts'
import { createDatabase, type TestDatabase } from '../support/postgres.ts'

/** Bytes of the database's answers after which the first run is stopped: it has its snapshot and is amid the rows. */
const STOP_AFTER = 600_000
const COVERED = 'a later run has already read past this snapshot'

let database: TestDatabase

beforeAll(async () => {
  database = await createDatabase(import.meta.url)
})
afterAll(() => database.drop())

interface Gate extends AsyncDisposable {
  /** The database's address through the gate. */
  readonly url: string
  /** Resolves when so many bytes came through, from when on none do. */
  readonly shut: Promise<void>
  open(): void
}

/** A way to the database that shuts amid the rows. */
async function startGate(url: string): Promise<Gate> {
  const target = new URL(url)
  let [bytes, isOpen] = [0, false]
  const [shut, opened] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  const sockets: Socket[] = []
  const server = createServer(client => {
    const upstream = connect(Number(target.port), target.hostname)
    client.pipe(upstream)
    for (const socket of [client, upstream]) {
      sockets.push(socket)
      socket.on('error', () => undefined)
    }
    client.on('close', () => upstream.destroy())
    void (async () => {
      for await (const chunk of upstream as AsyncIterable<Buffer>) {
        bytes += chunk.length
        if (bytes > STOP_AFTER && !isOpen) {
          shut.resolve()
          await opened.promise
        }
        client.write(chunk)
      }
      client.end()
    })().catch(() => client.destroy())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const through = new URL(url)
  through.hostname = '127.0.0.1'
  through.port = String((server.address() as AddressInfo).port)
  return {
    url: through.href,
    shut: shut.promise,
    open: () => {
      isOpen = true
      opened.resolve()
    },
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy()
      await new Promise(resolve => server.close(resolve))
    },
  }
}

interface Lake {
  readonly lines: readonly string[]
  readonly env: Readonly<Record<string, string>>
  /** The clock of the machine that takes over. */
  readonly clock: Clock
}

/** Everything about the lake through another machine, whose processes are not ours. */
function elsewhere(project: CliProject, { env, clock }: Lake): (...args: string[]) => Promise<Ended> {
  const processes = { ...systemProcesses, host: 'elsewhere' }
  return (...args) =>
    runInProcess(args, { cwd: project.root, env: { ...env, SHOP_URL: database.url }, clock, processes })
}

async function expectFenced(lake: Lake, takeOver: (run: () => Promise<Ended>) => Promise<Ended>): Promise<void> {
  await database.query(`DROP TABLE IF EXISTS sale; CREATE TABLE sale (no int PRIMARY KEY, note text);
  INSERT INTO sale SELECT i, 'first' FROM generate_series(1, 3000) i`)
  const tables = [{ schema: 'public', table: 'sale' }]
  const project = await createProject({
    'tidemark.yml': `name: shop
${lake.lines.join('\n')}
sources:
  app: { type: postgres, url: { secret: env:SHOP_URL }, tables: list.json }
`,
    'list.json': JSON.stringify(tables),
    'gold/notes.sql':
      'CREATE MATERIALIZED VIEW gold.notes AS SELECT note, count(*) AS n FROM silver.sale GROUP BY note;',
  })
  const tidemark = elsewhere(project, lake)
  expect(await tidemark('run')).toMatchObject({ exit: 0 })
  await database.query(`UPDATE sale SET note = repeat('second ', 100)`)

  await using gate = await startGate(database.url)
  Object.assign(project.env, lake.env, { SHOP_URL: gate.url })
  const sleeper = project.start('run', '--json')
  await gate.shut
  sleeper.kill('SIGSTOP')
  await database.query(`UPDATE sale SET note = 'third' WHERE no % 2 = 0; DELETE FROM sale WHERE no % 30 = 0`)
  const second = await takeOver(() => tidemark('run', '--json'))
  expect(readRun(second).step('bronze.sale').status, second.stderr).toBe('changed')

  gate.open()
  sleeper.kill('SIGCONT')
  const first = readRun(await sleeper.ended)
  // It had read the mark before it was stopped; only a commit that was refused makes it look again.
  expect(first.step('bronze.sale'), first.stderr).toMatchObject({ status: 'unchanged', reason: COVERED })
  const rows = async (query: string): Promise<string> => (await tidemark('query', query, '--csv')).stdout
  const [source] = await database.query(
    `SELECT count(*) FILTER (WHERE note = 'third') AS third, count(*) FILTER (WHERE note <> 'third') AS second FROM sale`,
  )
  expect(await rows('SELECT n FROM gold.notes ORDER BY note DESC')).toBe(
    `n\n${source?.['third']}\n${source?.['second']}\n`,
  )
  expect(
    await rows('SELECT _op, count(*) AS n, count(DISTINCT (no, _seq)) AS d FROM bronze.sale GROUP BY _op ORDER BY _op'),
  ).toBe('_op,n,d\ndelete,100,100\nupsert,5900,5900\n')
  expect((await tidemark('verify')).stdout).toContain('equal')
  expect(await tidemark('run')).toMatchObject({ exit: 0 })
}

describe('a run that is stopped for longer than its lease', () => {
  test('commits nothing on a lake in a folder', async () => {
    const clock = { ...systemClock, now: () => systemClock.now() + 61_000 }
    await expectFenced({ lines: ['lake: ./lake'], env: {}, clock }, run => run())
  })

  test('commits nothing on Azurite, which gives its lease away by its own clock', async () => {
    await using azurite = await startAzurite()
    await azurite.makeContainer('lake')
    const options = `lake_options: { account: ${AZURITE_ACCOUNT}, endpoint: "${azurite.endpoint}", account_key: { secret: env:LAKE_KEY } }`
    const lake = { lines: ['lake: az://lake/music', options], env: { LAKE_KEY: AZURITE_KEY }, clock: systemClock }
    await expectFenced(lake, async run => {
      const refused = await run()
      expect(refused.stderr).toContain('error RUN_IN_PROGRESS')
      for (;;) {
        await systemClock.sleep(2000)
        const ended = await run()
        if (!ended.stderr.includes('RUN_IN_PROGRESS')) return ended
      }
    })
  })

  test.skipIf(findMissingMoto() !== undefined)('commits nothing on moto, where its lease stood still', async () => {
    await using moto = await startMoto()
    await moto.makeBucket('lake')
    const options = `lake_options: { endpoint: "${moto.endpoint}", access_key_id: { secret: env:LAKE_KEY_ID }, secret_access_key: { secret: env:LAKE_KEY } }`
    const env = { LAKE_KEY_ID: MOTO_LOGIN.accessKeyId, LAKE_KEY: MOTO_LOGIN.secretAccessKey }
    // Its minute of watching passes in three seconds.
    const clock: Clock = {
      ...systemClock,
      monotonic: () => systemClock.monotonic() * 20,
      sleep: (ms, signal) => systemClock.sleep(ms / 20, signal),
    }
    await expectFenced({ lines: ['lake: s3://lake/music', options], env, clock }, run => run())
  })
})
