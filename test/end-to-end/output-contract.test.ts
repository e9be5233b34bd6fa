/**
 * What programs may rely on: results on standard output and nothing else there, documents and events as the reference
 * says, no colour and no redrawing where nobody looks, and exit codes that say whose turn it is.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createProgram } from '../../packages/tidemark/src/cli/program.ts'
import { eventReference } from '../../scripts/generate/event-reference.ts'
import { noPorts } from '../../scripts/generate/no-ports.ts'
import { readRepositoryFile } from '../architecture/source-files.ts'
import { runProgram } from '../packaging/programs.ts'
import { type CliProject, createProject, TIDEMARK } from '../support/cli.ts'
import { documents, keysOf, result } from '../support/output-shapes.ts'
import { createDatabase, type TestDatabase } from '../support/postgres.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await createDatabase(import.meta.url)
})
afterAll(() => database.drop())

/** Every kind of step and of outcome: a rejected row, a missing table, what is skipped because of it, numbers beyond 2^53. */
async function createEverything(schema: string): Promise<CliProject> {
  await database.query(`CREATE SCHEMA ${schema};
    CREATE TABLE ${schema}.sale (id bigint PRIMARY KEY, price decimal(38, 10), rate double precision, paid boolean,
      day date, at timestamptz, note text);
    INSERT INTO ${schema}.sale VALUES
      (9007199254740993, 12345678901234567890.0123456789, 0.1, true, '2026-01-02', '2026-01-02 03:04:05.678901+00', 'x'),
      (2, -1, NULL, NULL, NULL, NULL, NULL);
    CREATE TABLE ${schema}.log (line text); INSERT INTO ${schema}.log VALUES ('a'), ('a')`)
  const list = [
    { schema, table: 'sale', cdc_col: 'at', silver: { expect_or_drop: { positive: 'price > 0' } } },
    { schema, table: 'log' },
    { schema, table: 'gone' },
  ]
  return createProject(
    {
      'tidemark.yml':
        'name: shop\nsources:\n  app: { type: postgres, url: { secret: env:SHOP_URL }, tables: list.json }\n',
      'list.json': JSON.stringify(list),
      'gold/gold.sql': `CREATE STREAMING TABLE gold.paid AS SELECT id, price FROM STREAM(silver.sale) WHERE paid;
        CREATE STREAMING TABLE gold.history;
        CREATE FLOW history AS AUTO CDC INTO gold.history FROM STREAM(silver.sale) KEYS (id) SEQUENCE BY at STORED AS SCD TYPE 2;
        CREATE MATERIALIZED VIEW gold.total AS SELECT count(*) AS n, sum(price) AS price FROM silver.sale;
        CREATE MATERIALIZED VIEW gold.nothing AS SELECT count(*) AS n FROM silver.gone;`,
    },
    { SHOP_URL: database.url },
  )
}

/** Commands that print a document, by their words; the arguments make each do something. */
const COMMANDS: Readonly<Record<string, { args: readonly string[]; exit: number }>> = {
  plan: { args: ['plan'], exit: 1 },
  doctor: { args: ['doctor'], exit: 1 },
  run: { args: ['run'], exit: 1 },
  backfill: { args: ['backfill', 'sale', '--from', '2026-01-01'], exit: 0 },
  verify: { args: ['verify'], exit: 1 },
  audit: { args: ['audit', 'sale', '--against', 'lake/bronze/sale'], exit: 0 },
  trace: { args: ['trace', 'sale', 'id=2'], exit: 0 },
  status: { args: ['status'], exit: 0 },
  runs: { args: ['runs'], exit: 0 },
  tables: { args: ['tables'], exit: 0 },
  'tables show': { args: ['tables', 'show', 'silver.sale'], exit: 0 },
  'tables schema': { args: ['tables', 'schema', 'silver.sale'], exit: 0 },
  'tables history': { args: ['tables', 'history', 'silver.sale'], exit: 0 },
  optimize: { args: ['optimize', 'silver.sale'], exit: 0 },
  vacuum: { args: ['vacuum', '--yes'], exit: 0 },
  query: { args: ['query', 'SELECT * FROM silver.sale'], exit: 0 },
  'quarantine list': { args: ['quarantine', 'list'], exit: 0 },
  'quarantine show': { args: ['quarantine', 'show', 'silver.sale'], exit: 0 },
}

describe('--json', () => {
  test('is an option of exactly the commands that are held here', async () => {
    const found = (await createProgram(noPorts)).commands.flatMap(command =>
      [command, ...command.commands].flatMap(one =>
        one.options.some(option => option.long === '--json')
          ? [one === command ? one.name() : `${command.name()} ${one.name()}`]
          : [],
      ),
    )
    expect(found.toSorted()).toEqual(Object.keys(COMMANDS).toSorted())
  })

  test('prints one document of the documented form and nothing else, with the exit code it has without it', {
    timeout: 180_000,
  }, async () => {
    const project = await createEverything('documents')
    const keys = new Set<string>()
    for (const [name, { args, exit }] of Object.entries(COMMANDS)) {
      const ended = await project.tidemark(...args, '--json')
      expect(ended.exit, `${name}: ${ended.stderr}`).toBe(exit)
      expect(ended.stdout.at(-1), name).toBe('\n')
      const document: unknown = JSON.parse(ended.stdout)
      if (documents[name] !== undefined) {
        expect(document, name).toEqual(documents[name])
        for (const key of keysOf(document)) keys.add(key)
      }
      expect(ended.stdout, name).not.toContain('\u001b')
      const plain = await project.tidemark(...args)
      expect(plain.exit, `${name}: ${plain.stderr}`).toBe(exit)
    }
    const pages = ['json-output', 'events'].map(page => readRepositoryFile(`docs/reference/${page}.md`)).join('\n')
    const words = new Set([...pages.matchAll(/`([^`\n]+)`/g)].flatMap(match => match[1]?.split(/\W+/) ?? []))
    expect(
      [...keys].filter(key => !words.has(key)),
      'keys that the reference does not name',
    ).toEqual([])
    expect(keys.size).toBeGreaterThan(60)
  })

  test('gives integers and decimals digit by digit as text, and keeps booleans and NULL', async () => {
    const project = await createEverything('digits')
    await project.run()
    expect(await project.query('SELECT id, price, rate, paid, day, "at" FROM silver.sale')).toEqual([
      {
        id: '9007199254740993',
        price: '12345678901234567890.0123456789',
        rate: '0.1',
        paid: true,
        day: '2026-01-02',
        at: expect.stringContaining('2026-01-02 03:04:05.678901'),
      },
    ])
    const [rejected] = JSON.parse(
      (await project.tidemark('quarantine', 'show', 'silver.sale', '--json')).stdout,
    ) as object[]
    expect(rejected).toMatchObject({
      id: '2',
      price: '-1.0000000000',
      paid: null,
      _rules: expect.stringContaining('positive'),
    })
    const none = await project.tidemark('quarantine', 'show', 'bronze.sale')
    expect(none).toMatchObject({ exit: 0, stdout: 'Nothing of bronze.sale is in quarantine.\n' })
    expect((await project.tidemark('quarantine', 'show', 'silver.sael')).stderr).toContain('error TABLE_UNKNOWN: ')
  })
})

interface Event {
  kind: keyof typeof eventReference
  runId: string
  at: string
  step?: string
  steps?: { id: string }[]
  result?: { step: string; blockedBy: string[] }
  results?: { step: string }[]
}

describe('--events', () => {
  test('is one object a line with the documented keys, from the start of the run to its end', async () => {
    const project = await createEverything('lines')
    const ended = await project.tidemark('run', '--events')
    expect(ended.exit).toBe(1)
    const events = ended.stdout
      .trimEnd()
      .split('\n')
      .map(line => JSON.parse(line) as Event)
    for (const event of events) {
      const keys = ['kind', 'runId', 'at', ...Object.keys(eventReference[event.kind].keys)]
      expect(Object.keys(event).toSorted(), event.kind).toEqual(keys.toSorted())
      if (event.result !== undefined) expect(event.result).toEqual(result)
      for (const one of event.results ?? []) expect(one).toEqual(result)
    }
    expect(new Set(events.map(({ runId }) => runId)).size).toBe(1)
    expect(events.map(({ at }) => at)).toEqual(events.map(({ at }) => at).toSorted())
    expect([events[0]?.kind, events.at(-1)?.kind]).toEqual(['run started', 'run finished'])
    expect(new Set(events.map(({ kind }) => kind))).toEqual(
      new Set(Object.keys(eventReference).filter(kind => kind !== 'warning')),
    )
  })

  test('tells of each announced step that it began, after what it needs, and that it ended, once', async () => {
    const project = await createEverything('ordered')
    const ended = await project.tidemark('run', '--events')
    const events = ended.stdout
      .trimEnd()
      .split('\n')
      .map(line => JSON.parse(line) as Event)
    const announced = events[0]?.steps?.map(({ id }) => id) ?? []
    const order = events.map(event => `${event.kind} ${event.step ?? event.result?.step ?? ''}`)
    const at = (text: string): number => order.indexOf(text)
    expect(order.filter(text => text.startsWith('step finished')).toSorted()).toEqual(
      announced.map(id => `step finished ${id}`).toSorted(),
    )
    for (const event of events) {
      const id = event.result?.step
      if (id === undefined) continue
      const started = at(`step started ${id}`)
      if (event.result?.blockedBy.length === 0) expect(started, id).toBeGreaterThan(0)
      expect(at(`step finished ${id}`), id).toBeGreaterThan(started)
    }
    expect(at('step started silver.sale')).toBeGreaterThan(at('step finished bronze.sale'))
    expect(at('step started gold.total')).toBeGreaterThan(at('step finished silver.sale'))
    expect(events.at(-1)?.results?.map(({ step }) => step)).toEqual(announced)
  })

  test('and --json are two answers to one question, so they are refused together', async () => {
    const project = await createEverything('two_answers')
    const ended = await project.tidemark('run', '--events', '--json')
    expect(ended).toMatchObject({ exit: 2, stdout: '' })
    expect(ended.stderr).toContain('--json')
  })
})

describe('exit code', () => {
  const HEALTHY = { 'list.json': '[{ "schema": "codes", "table": "log" }]', 'gold/gold.sql': '' }
  test.each([
    { exit: 0, because: 'all is well', args: ['run'], files: HEALTHY },
    { exit: 1, because: 'a step failed', args: ['run'], files: {} },
    { exit: 2, because: 'the project is wrong', args: ['run'], files: { 'list.json': '[{ "schema": 1 }]' } },
    { exit: 2, because: 'an option is unknown', args: ['run', '--frobnicate'], files: {} },
    { exit: 2, because: 'a command is unknown', args: ['frobnicate'], files: {} },
    { exit: 2, because: 'there is no project', args: ['status', '-p', 'nowhere'], files: {} },
    { exit: 2, because: 'a code is unknown', args: ['explain', 'NO_SUCH_CODE'], files: {} },
    { exit: 3, because: 'the database is away', args: ['run'], env: { SHOP_URL: 'postgres://a:b@127.0.0.1:1/c' } },
    { exit: 3, because: 'the lake cannot be written', args: ['run'], files: { lake: 'a file' } },
    { exit: 0, because: 'help was asked for', args: ['--help'], files: {} },
    { exit: 0, because: 'the version was asked for', args: ['--version'], files: {} },
  ])('$exit: $because', async ({ exit, args, files = {}, env = {} }) => {
    await database.query('DROP SCHEMA IF EXISTS codes CASCADE')
    const project = await createEverything('codes')
    await project.write(files)
    Object.assign(project.env, env)
    const ended = await project.tidemark(...args)
    expect(ended.exit, ended.stderr).toBe(exit)
  })
})

describe('standard output', () => {
  test('holds results and nothing else, in plain text where nobody looks', { timeout: 180_000 }, async () => {
    const project = await createEverything('results')
    delete project.env['NO_COLOR']
    const run = await project.tidemark('run')
    expect(run.stdout).toBe('')
    expect(run.stderr).toContain('error SOURCE_TABLE_MISSING: ')
    for (const { args } of Object.values(COMMANDS)) {
      const ended = await project.tidemark(...args)
      expect(ended.stdout, args.join(' ')).not.toMatch(/\u001b|\r|^(error|warning|hint|next|alert)\b/m)
      expect(ended.stderr, args.join(' ')).not.toMatch(/\u001b|\r/)
    }
    const wrong = await project.tidemark('query', 'SELECT * FROM silver.sael')
    expect(wrong.stdout).toBe('')
    expect(wrong.stderr).toContain('error TABLE_UNKNOWN: ')
  })

  /** Run a command whose output is read up to its first line; the command's own exit code. */
  async function readFirstLine(project: CliProject, args: string): Promise<{ line: string; exit: string }> {
    const shell = `"${process.execPath}" "${TIDEMARK}" ${args} 2>&1 | head -n 1; echo "\${PIPESTATUS[0]}"`
    const ended = await runProgram('bash', ['-c', shell], { cwd: project.root, env: project.env })
    const [line = '', exit = ''] = ended.stdout.split('\n')
    return { line, exit }
  }

  test('closed by its reader ends nothing: a run goes on to its end, and its exit code is its own', async () => {
    const project = await createEverything('closed')
    const run = await readFirstLine(project, 'run --events')
    expect(run.line).toContain('run started')
    expect(run.exit).toBe('1')
    const [fact] = JSON.parse((await project.tidemark('runs', '--json')).stdout) as {
      status: string
      steps: object[]
    }[]
    expect(fact).toMatchObject({ status: 'failed' })
    expect(fact?.steps).toContainEqual(expect.objectContaining({ step: 'gold.total', status: 'changed' }))
    expect((await readFirstLine(project, 'query "SELECT unnest(range(100000)) AS n"')).exit).toBe('0')
  })
})

test.skipIf(process.platform !== 'linux')(
  'output for which there is no room is no success (skipped where there is no /dev/full)',
  async () => {
    const project = await createEverything('no_room')
    const shell = `"${process.execPath}" "${TIDEMARK}" explain > /dev/full`
    const ended = await runProgram('bash', ['-c', shell], { cwd: project.root, env: project.env })
    expect(ended.stderr).toContain('error OUTPUT_NOT_WRITTEN: ')
    expect(ended.stderr).toContain('ENOSPC')
    expect(ended.exit).toBe(3)
  },
)

const hasTerminal = process.platform === 'linux'

describe.skipIf(!hasTerminal)('on a terminal (skipped where script(1) makes none)', () => {
  /** The command in a terminal of its own; what it printed there. */
  async function onTerminal(project: CliProject, env: Record<string, string | undefined>): Promise<string> {
    const command = `stty cols 120 rows 40; "${process.execPath}" "${TIDEMARK}" run`
    const ended = await runProgram('script', ['-qec', command, '/dev/null'], {
      cwd: project.root,
      env: { ...project.env, NO_COLOR: undefined, TERM: 'xterm', ...env },
    })
    return ended.stdout
  }
  const COLOUR = /\u001b\[[0-9;]*m/

  test('a run is shown live and in colour, and leaves its summary', async () => {
    const screen = await onTerminal(await createEverything('terminal'), {})
    expect(screen).toMatch(COLOUR)
    expect(screen).toContain('\u001b[?25l')
    expect(screen.split('\u001b[?25h').at(-1)).toContain('bronze.sale')
  })

  test.each([
    { case: 'NO_COLOR', env: { NO_COLOR: '1' }, live: true },
    { case: 'a dumb terminal', env: { TERM: 'dumb' }, live: false },
  ])('$case means no colour', async ({ env, live }) => {
    const project = await createEverything(live ? 'nocolour' : 'dumb')
    const screen = await onTerminal(project, env)
    expect(screen).not.toMatch(COLOUR)
    expect(screen.includes('\u001b')).toBe(live)
    expect(screen).toContain('bronze.sale')
  })
})
