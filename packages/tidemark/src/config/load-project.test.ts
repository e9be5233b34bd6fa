import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { LIST_UNREACHABLE } from '../errors/list.ts'
import { type Problem, Problems } from '../errors/problem.ts'
import { type LoadedProject, type LoadRequest, loadProject } from './load-project.ts'

const folders: string[] = []
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
})

function project(files: Record<string, string>): string {
  const root = mkdtempSync(join(tmpdir(), 'tidemark-config-'))
  folders.push(root)
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), text)
  }
  return root
}

type Options = Partial<LoadRequest>

function load(files: Record<string, string>, options: Options = {}): Promise<LoadedProject> {
  const loadFlows = async () => ({ flows: [], problems: [] })
  return loadProject({ root: project(files), vars: {}, env: {}, loadFlows, ...options })
}

function line(problem: Problem): string {
  const { place } = problem
  const at = place === undefined ? '' : `${place.file}:${place.line}:${place.column}+${place.length ?? 1} `
  return `${at}${problem.code} ${problem.message} | ${problem.hint}`
}

async function problemsOf(files: Record<string, string>, options: Options = {}): Promise<string[]> {
  try {
    return (await load(files, options)).unusable.map(line)
  } catch (error) {
    if (error instanceof Problems) return error.problems.map(line)
    throw error
  }
}

const minimal = `name: music
sources:
  app:
    type: postgres
    url: { secret: env:APP_URL }
    tables: loop_input.json
`
const list = '[{"schema" : "dbo", "table" : "DimUser", "cdc_col" : "updated_at", "from_date" : ""}]'

describe('a project', () => {
  test('with the four keys of the common list becomes a Project with every default filled in', async () => {
    const { project, warnings } = await load({ 'tidemark.yml': minimal, 'loop_input.json': list })
    expect(warnings).toEqual([])
    expect(project).toMatchObject({
      name: 'music',
      catalog: 'music',
      lake: join(project.root, 'lake'),
      target: { name: 'default', mode: 'production' },
      parallel: 4,
      alerts: { channels: [], rules: [] },
      sources: [
        {
          name: 'app',
          type: 'postgres',
          connection: { url: { secret: { kind: 'env', name: 'APP_URL' } } },
          timezone: 'UTC',
          prefix: '',
        },
      ],
    })
    expect(project.tables).toMatchObject([
      {
        source: 'app',
        schema: 'dbo',
        table: 'DimUser',
        name: 'DimUser',
        cdcCol: 'updated_at',
        fromDate: undefined,
        primaryKey: undefined,
        deletes: 'detect',
        guarantee: undefined,
        silver: { transform: [], expectations: [] },
        places: { table: { file: 'loop_input.json', line: 1, column: 31, length: 9 } },
      },
    ])
  })

  test('shows all of its mistakes at once, each at its own text', async () => {
    const files = {
      'tidemark.yml': `name: music
lake: gs://bucket/music
schedule: { cron: "0 * * * *" }
paralel: 3
sources:
  app:
    type: postgres
    url: { secret: APP_URL }
    timezone: Mars/Olympus
    tables: loop_input.json
  old:
    type: oracle
    url: \${env.OLD_URL}
    tables: missing.json
alerts:
  channels:
    mail: { email: { to: nobody, smtp: { secret: env:SMTP } } }
  rules:
    - { on: [failure, silence], send: mail }
`,
      'loop_input.json':
        '[\n  { "schema": "dbo", "table": "DimUser", "cdc_colum": "updated_at" },\n  { "table": "DimTrack", "guarantee": "exact" },\n]',
    }
    expect(await problemsOf(files)).toMatchInlineSnapshot(`
      [
        "loop_input.json:2:42+11 CONFIG_UNKNOWN_KEY \`cdc_colum\` is not a key of a table entry. | Did you mean "cdc_col"?",
        "loop_input.json:3:3+45 CONFIG_MISSING_KEY \`schema\` is missing in a table entry. | Add \`schema\`: the schema of the table.",
        "loop_input.json:3:48+1 CONFIG_SYNTAX This is not valid JSON: a comma follows the last element. | Delete the comma.",
        "tidemark.yml:2:7+17 CONFIG_PLANNED \`lake: gs://…\` is planned, but this version does not do it. | Use a folder, az://, abfss:// or s3://.",
        "tidemark.yml:3:1+8 CONFIG_PLANNED \`schedule\` is planned, but this version does not do it. | Start \`tidemark run\` from cron or another scheduler.",
        "tidemark.yml:4:1+7 CONFIG_UNKNOWN_KEY \`paralel\` is not a key of tidemark.yml. | Did you mean "parallel"?",
        "tidemark.yml:8:20+7 SECRET_FORM A secret is a reference to where the value is kept. | Write \`{ secret: env:APP_URL }\`.",
        "tidemark.yml:9:15+12 CONFIG_VALUE \`sources.app.timezone\` must be an IANA time zone such as UTC or Europe/Oslo. | Correct the value of \`sources.app.timezone\`.",
        "tidemark.yml:12:11+6 CONFIG_PLANNED \`sources.old.type: oracle\` is planned, but this version does not do it. | Postgres, MySQL, MariaDB, SQL Server and SQLite sources are built.",
        "tidemark.yml:13:10+14 CONFIG_REFERENCE \${env.OLD_URL} is not replaced by anything here. | Write the whole value as \`{ secret: env:OLD_URL }\`; for what is not secret, declare a variable and set TIDEMARK_VAR_name.",
        "tidemark.yml:14:13+12 CONFIG_UNREADABLE missing.json does not exist. | Check the path and its spelling, and that you may read the file. Paths are relative to tidemark.yml.",
        "tidemark.yml:19:23+7 CONFIG_PLANNED \`alerts.rules[0].on[1]: silence\` is planned, but this version does not do it. | Keep failure and recovery.",
      ]
    `)
  })

  test('that is no YAML is refused at the place where reading stopped', async () => {
    expect(await problemsOf({ 'tidemark.yml': 'name: music\n\tlake: x\n' })).toMatchInlineSnapshot(`
      [
        "tidemark.yml:2:1+1 CONFIG_SYNTAX This is not valid YAML: a tab is used to indent. | Indent with blanks.",
      ]
    `)
    expect(await problemsOf({ 'tidemark.yml': '- a\n' })).toMatchInlineSnapshot(`
      [
        "tidemark.yml:1:1+1 CONFIG_SYNTAX This is not valid YAML: the project is not a map of keys. | Begin with \`name:\` and \`sources:\`.",
      ]
    `)
    expect(await problemsOf({ 'tidemark.yml': '' })).toMatchInlineSnapshot(`
      [
        "tidemark.yml:1:1+1 CONFIG_MISSING_KEY \`name\` is missing in tidemark.yml. | Add \`name\`: the name of the project.",
        "tidemark.yml:1:1+1 CONFIG_MISSING_KEY \`sources\` is missing in tidemark.yml. | Add \`sources\`: a map from name to source.",
      ]
    `)
  })

  test('with a key nobody knows is told the keys that there are, `targets` among them', async () => {
    const files = { 'loop_input.json': list }
    const [known] = await problemsOf({ ...files, 'tidemark.yml': `${minimal}zzz: 1\n` })
    expect(known).toMatch(/CONFIG_UNKNOWN_KEY `zzz` is not a key of tidemark.yml. \| Known here: name, .*, targets\./)
    const [meant] = await problemsOf({ ...files, 'tidemark.yml': `${minimal}target: {}\n` })
    expect(meant).toContain('Did you mean "targets"?')
  })

  test('that does not exist is refused with the way to make one', async () => {
    expect(await problemsOf({})).toMatchInlineSnapshot(`
      [
        "CONFIG_NOT_FOUND tidemark.yml does not exist. | Go to the folder of your project, name it with --project, or make one with \`tidemark init\`.",
      ]
    `)
  })
})

describe('targets and variables', () => {
  const yml = `${minimal}variables:
  days: 30
  zone: { default: UTC }
  lakes:
parallel: \${var.days}
lake: ./lake-\${target}
targets:
  dev: { default: true, mode: development, variables: { days: 7 } }
  prod: { sources: { app: { timezone: "\${var.zone}" } } }
`
  const files = { 'tidemark.yml': yml, 'loop_input.json': list }

  test('the target marked as default is used, its keys win, and development has a catalog of its own', async () => {
    const { project } = await load(files, { env: { USER: 'kari.n' } })
    expect(project).toMatchObject({
      target: { name: 'dev', mode: 'development' },
      catalog: 'music_dev_kari_n',
      parallel: 7,
    })
    expect(project.lake).toBe(join(project.root, 'lake-dev'))
    expect(project.variables).toEqual({ days: '7', zone: 'UTC' })
  })
  test('--var wins over the environment, the environment over the target, the target over the default', async () => {
    const env = { TIDEMARK_VAR_days: '8', TIDEMARK_VAR_zone: 'Europe/Oslo' }
    expect((await load(files, { env, vars: { days: '9' } })).project.parallel).toBe(9)
    expect((await load(files, { env })).project.parallel).toBe(8)
    expect((await load(files, { env, target: 'prod' })).project.sources[0]?.timezone).toBe('Europe/Oslo')
  })
  test('.env gives variables and is overruled by the environment', async () => {
    const dotenv = { ...files, '.env': 'TIDEMARK_VAR_days=5\nAPP_URL="x y"\n' }
    const loaded = await load(dotenv)
    expect(loaded.project.parallel).toBe(5)
    expect(loaded.env['APP_URL']).toBe('x y')
    expect((await load(dotenv, { env: { TIDEMARK_VAR_days: '6' } })).project.parallel).toBe(6)
  })
  test('a target or variable that does not exist is named with the one that was meant', async () => {
    expect(await problemsOf(files, { target: 'prd', vars: { dayz: '1' } })).toMatchInlineSnapshot(`
      [
        "VARIABLE_UNDEFINED Variable dayz is not declared. | Did you mean "days"?",
        "tidemark.yml:13:1+7 TARGET_UNKNOWN tidemark.yml has no target prd. | Did you mean "prod"?",
      ]
    `)
  })
  test('a variable without a value is an error at each place that needs it', async () => {
    const used = yml.replace('./lake-${target}', '${var.lakes}/${var.lakez}')
    expect(await problemsOf({ ...files, 'tidemark.yml': used })).toMatchInlineSnapshot(`
      [
        "tidemark.yml:12:7+25 VARIABLE_UNDEFINED Variable lakes is declared without a default and was given no value. | Give it with --var lakes=…, in TIDEMARK_VAR_lakes, under the target's \`variables\`, or as \`default\`.",
        "tidemark.yml:12:7+25 VARIABLE_UNDEFINED Variable lakez is not declared. | Did you mean "lakes"?",
      ]
    `)
  })
  test('a target has memory of its own for the engine, and too little or no size is refused by name', async () => {
    const sized = (size: string): Record<string, string> => ({
      'tidemark.yml': `${minimal}engine_memory: 2GB\ntargets:\n  dev: { engine_memory: ${size} }\n  prod: { default: true }\n`,
      'loop_input.json': list,
    })
    expect((await load(sized('500MB'))).project.engineMemory).toBe('2GB')
    expect((await load(sized('500MB'), { target: 'dev' })).project.engineMemory).toBe('500MB')
    for (const size of ['99MB', '2', 'lots']) {
      expect(await problemsOf(sized(size))).toEqual([
        expect.stringContaining('`engine_memory` must be a size of 100MB or more, such as 500MB or 2GB.'),
      ])
    }
  })
  test('several targets without a default ask which one is meant', async () => {
    const two = `${minimal}targets: { a: {}, b: {} }\n`
    expect(await problemsOf({ 'tidemark.yml': two, 'loop_input.json': list })).toMatchInlineSnapshot(`
      [
        "tidemark.yml:7:1+7 TARGET_DEFAULT None of the targets a, b is the default. | Write \`default: true\` in exactly one target, or choose one with --target.",
      ]
    `)
  })
  test('a target that is not chosen is checked as well', async () => {
    const wrong = `${minimal}targets:\n  dev: { default: true }\n  prod: { lak: x, parallel: 900, lake: "hdfs://lake.example.org:8020/music/m" }\n`
    expect(await problemsOf({ 'tidemark.yml': wrong, 'loop_input.json': list })).toMatchInlineSnapshot(`
      [
        "tidemark.yml:9:11+3 CONFIG_UNKNOWN_KEY \`lak\` is not a key of tidemark.yml. | Did you mean "lake"?",
        "tidemark.yml:9:29+3 CONFIG_VALUE \`parallel\` must be a whole number from 1 to 64. | Correct the value of \`parallel\`.",
        "tidemark.yml:9:40+38 CONFIG_PLANNED \`lake: hdfs://…\` is planned, but this version does not do it. | Use a folder, az://, abfss:// or s3://.",
      ]
    `)
  })
})

describe('the table list', () => {
  const at = (tables: string) => ({
    'tidemark.yml': minimal.replace('loop_input.json', tables),
    '.env': 'TOKEN=t0ken\n',
  })
  const address = 'https://lists.example.org/l.json?sig=1'

  test('is fetched from an address, with secrets in its headers', async () => {
    const asked: unknown[] = []
    const fetch: LoadRequest['fetch'] = async ({ url, headers, allowPrivate }) => {
      asked.push({ url, headers, allowPrivate })
      return { kind: 'text', text: list.replace('DimUser', 'con'), etag: undefined }
    }
    const files = at(`{ url: "${address}", headers: { Authorization: { secret: env:TOKEN } } }`)
    expect(await problemsOf(files, { fetch })).toMatchInlineSnapshot(`
      [
        "https://lists.example.org/l.json:1:31+5 TABLE_NAME_INVALID The table name "bronze.con" is the name of a device on Windows. | Give the table another name in the lake with \`name:\` in its entry, or rename the target of the flow.",
      ]
    `)
    expect(asked).toEqual([{ url: address, headers: { Authorization: 't0ken' }, allowPrivate: false }])
  })
  test('that cannot be fetched is a problem at the address, and a secret that is missing one at the list', async () => {
    const files = at(`{ url: "https://127.0.0.1/", headers: { Authorization: { secret: env:NONE } } }`)
    expect(await problemsOf(files)).toMatchInlineSnapshot(`
      [
        "tidemark.yml:6:20+20 SECRET_MISSING Secret env:NONE is not set. | Set NONE in the environment, or in .env beside tidemark.yml.",
      ]
    `)
    expect(await problemsOf(at('https://127.0.0.1/l.json'))).toMatchInlineSnapshot(`
      [
        "tidemark.yml:6:13+24 LIST_ADDRESS_REFUSED 127.0.0.1 is 127.0.0.1, which is not a public address. | If the list really is in your own network, write \`tables: { url: …, allow_private: true }\`.",
      ]
    `)
  })
  test('that cannot be reached is read from the last good copy, and said to be', async () => {
    const root = project(at(address))
    const away = LIST_UNREACHABLE({ host: 'lists.example.org', reason: 'does not answer', isPassing: true })
    const loadWith = (fetch: LoadRequest['fetch']) =>
      loadProject({ root, vars: {}, env: {}, loadFlows: async () => ({ flows: [], problems: [] }), fetch })
    const answer = (text: string, etag?: string) => async () => ({ kind: 'text' as const, text, etag })
    const fails = (problem: Problem) => () => Promise.reject(problem)

    expect((await loadWith(fails(away))).unusable.map(one => one.code)).toEqual(['LIST_UNREACHABLE'])
    await loadWith(answer(list, '"v1"'))
    // What is wrong is never kept.
    expect((await loadWith(answer('<html>'))).unusable.map(one => one.code)).toEqual(['LIST_SHAPE'])
    const asked: unknown[] = []
    const unchanged = await loadWith(async ({ etag }) => {
      asked.push(etag)
      return { kind: 'unchanged' }
    })
    expect(asked).toEqual(['"v1"'])
    const copied = await loadWith(fails(away))
    expect([unchanged, copied].map(({ project: { tables } }) => tables.map(({ table }) => table))).toEqual([
      ['DimUser'],
      ['DimUser'],
    ])
    expect(unchanged.warnings).toEqual([])
    expect(copied.unusable).toEqual([])
    const hash = createHash('sha256').update(list).digest('hex')
    expect(copied.warnings.map(line)).toEqual([
      expect.stringMatching(new RegExp(`LIST_COPY_USED lists.example.org does not answer. The copy is of 20.*${hash}`)),
    ])
    const gone = LIST_UNREACHABLE({ host: 'lists.example.org', reason: 'answered 404' })
    expect((await loadWith(fails(gone))).unusable.map(one => one.code)).toEqual(['LIST_UNREACHABLE'])
  })
  test('is never read from a copy that was damaged, nor from one of another address', async () => {
    const root = project(at(address))
    const loadFlows = async () => ({ flows: [], problems: [] })
    const loadWith = (fetch: LoadRequest['fetch']) => loadProject({ root, vars: {}, env: {}, loadFlows, fetch })
    const fails = () =>
      Promise.reject(LIST_UNREACHABLE({ host: 'x', reason: 'does not answer', isPassing: true }) as Error)
    await loadWith(async () => ({ kind: 'text', text: list, etag: undefined }))
    const yaml = readFileSync(join(root, 'tidemark.yml'), 'utf8')
    writeFileSync(join(root, 'tidemark.yml'), yaml.replace('sig=1', 'sig=2'))
    expect((await loadWith(fails)).project.tables.map(({ table }) => table)).toEqual(['*'])
    writeFileSync(join(root, 'tidemark.yml'), yaml)
    const [copy = ''] = readdirSync(join(root, '.tidemark/lists'))
    const path = join(root, '.tidemark/lists', copy)
    writeFileSync(path, readFileSync(path, 'utf8').replace('DimUser', 'Other'))
    expect((await loadWith(fails)).project.tables.map(({ table }) => table)).toEqual(['*'])
  })
  test('over http is refused in production and a warning in development', async () => {
    const fetch: LoadRequest['fetch'] = async () => ({ kind: 'text', text: list, etag: undefined })
    const files = at('http://lists.example.org/l.json')
    expect((await problemsOf(files, { fetch })).join()).toContain('LIST_INSECURE')
    const development = {
      ...files,
      'tidemark.yml': `${files['tidemark.yml']}targets: { dev: { mode: development } }\n`,
    }
    expect((await load(development, { fetch })).warnings.map(one => one.code)).toEqual(['LIST_INSECURE'])
  })
  test('may be written in tidemark.yml, where its entries are checked like in a file', async () => {
    const { project } = await load(
      at('[{ tableName: DimUser, schema: dbo, x_note: any, from_date: 2025-01-01, cdc_col: d }]'),
    )
    expect(project.tables).toMatchObject([{ schema: 'dbo', table: 'DimUser', fromDate: '2025-01-01' }])
    expect(await problemsOf(at('[{ table: DimUser, schema: dbo, drift: stop, nam: x }]'))).toMatchInlineSnapshot(`
      [
        "tidemark.yml:6:52+4 CONFIG_VALUE \`sources.app.tables[0].drift\` must be one of addNewColumns, addNewColumnsWithTypeWidening, rescue, failOnNewColumns, none. | Correct the value of \`sources.app.tables[0].drift\`.",
        "tidemark.yml:6:58+3 CONFIG_UNKNOWN_KEY \`nam\` is not a key of sources.app.tables[0]. | Did you mean "name"?",
      ]
    `)
  })
  test('outside the project folder is refused', async () => {
    expect((await problemsOf(at('../list.json'))).join()).toContain('tidemark.yml:6:13+12 CONFIG_OUTSIDE_PROJECT')
  })
  test('of two sources may not give one lake name twice, whichever source it is', async () => {
    const second = minimal.slice(minimal.indexOf('  app:')).replace('app:', 'crm:')
    expect(await problemsOf({ 'tidemark.yml': minimal + second, 'loop_input.json': list })).toMatchInlineSnapshot(`
      [
        "loop_input.json:1:31+9 LAKE_NAME_TAKEN dbo.DimUser would be DimUser in the lake, and so is the entry at loop_input.json:1. Names that differ only in case are the same. | Give one entry a \`name:\`, or give its source a \`prefix:\`.",
      ]
    `)
    const prefixed = second.replace('tables:', 'prefix: crm_\n    tables:')
    expect(
      (await load({ 'tidemark.yml': minimal + prefixed, 'loop_input.json': list })).project.tables.map(one => one.name),
    ).toEqual(['DimUser', 'crm_DimUser'])
  })
})

describe('a source', () => {
  const at = (connection: string) => ({
    'tidemark.yml': minimal.replace('url: { secret: env:APP_URL }', connection),
    'loop_input.json': list,
  })
  test('may be given by its parts, the password as a secret', async () => {
    const { project } = await load(
      at(
        'host: db\n    port: 6543\n    database: m\n    user: u\n    password: { secret: file:/run/pw }\n    ca: ca.pem',
      ),
    )
    expect(project.sources[0]).toMatchObject({
      connection: {
        host: 'db',
        port: 6543,
        database: 'm',
        user: 'u',
        password: { secret: { kind: 'file', path: '/run/pw' } },
      },
      ca: join(project.root, 'ca.pem'),
    })
  })
  test('with a secret store or a zone that is planned is told so, and nothing else', async () => {
    const found = await problemsOf(at('url: { secret: keyring:app }\n    timezone: none'))
    expect(found.map(one => one.split(' ').slice(0, 2).join(' '))).toEqual([
      'tidemark.yml:5:20+11 CONFIG_PLANNED',
      'tidemark.yml:6:15+4 CONFIG_PLANNED',
    ])
  })
  test('without a connection, with half of one or with two is told what to write', async () => {
    expect(await problemsOf(at('prefix: x'))).toMatchInlineSnapshot(`
      [
        "tidemark.yml:4:5+1 CONFIG_MISSING_KEY \`url\` is missing in sources.app. | Add \`url: { secret: env:NAME }\`, or host, database, user and password.",
      ]
    `)
    expect(await problemsOf(at('host: db\n    port: 0\n    user: u'))).toMatchInlineSnapshot(`
      [
        "tidemark.yml:6:11+1 CONFIG_VALUE \`sources.app.port\` must be a port number. | Correct the value of \`sources.app.port\`.",
      ]
    `)
    expect(await problemsOf(at('url: { secret: env:A }\n    user: u'))).toMatchInlineSnapshot(`
      [
        "tidemark.yml:6:5+4 CONFIG_CONFLICT Source app gives both \`url\` and \`user\`. | Keep the url, or host, database, user and password.",
      ]
    `)
    expect(await problemsOf(at('host: db\n    user: u'))).toMatchInlineSnapshot(`
      [
        "tidemark.yml:4:5+1 CONFIG_MISSING_KEY \`database\` is missing in sources.app. | Add \`database\`.",
      ]
    `)
  })
})

describe('references of other tools', () => {
  test.each([
    ['${env.DB_URL}', 'secret: env:DB_URL'],
    ['${DB_URL}', 'secret: env:DB_URL'],
    ['$DB_URL', 'secret: env:DB_URL'],
    ['${secrets.db-url}', 'secret: env:db_url'],
    ['${{ secrets.DB_URL }}', 'secret: env:DB_URL'],
    ["{{ env_var('DB_URL') }}", 'secret: env:DB_URL'],
    ['{{ zone }}', '${var.zone}'],
    ['${zone}', '${var.zone}'],
    ['${workspace.host}', 'Databricks'],
  ])('%s gets the form that is read here', async (written, right) => {
    const yml =
      minimal.replace('url: { secret: env:APP_URL }', `url: ${JSON.stringify(written)}`) + 'variables: { zone: UTC }\n'
    const found = await problemsOf({ 'tidemark.yml': yml, 'loop_input.json': list })
    expect(found).toHaveLength(1)
    expect(found[0]).toContain('tidemark.yml:5:10')
    expect(found[0]).toContain('CONFIG_REFERENCE')
    expect(found[0]).toContain(right)
  })
  test.each([
    ['${APP_URL}', 'secret: env:APP_URL'],
    ['${var.url}', 'Write "${var.url}", or give the value a line of its own.'],
  ])('%s without quotes inside { } is one problem, with what to write', async (written, right) => {
    const yml = `name: music\nlake: ./lake\nsources:\n  app: { type: postgres, url: ${written}, tables: loop_input.json }\n`
    const found = await problemsOf({ 'tidemark.yml': yml, 'loop_input.json': list })
    expect(found).toHaveLength(1)
    expect(found[0]).toContain(`CONFIG_SYNTAX This is not valid YAML: ${written} is not in quotes inside { }.`)
    expect(found[0]).toContain(right)
  })
  test('${bundle.target} and ${name} are read, and $${ stands for the characters', async () => {
    const yml = minimal.replace('tables:', () => 'prefix: "${bundle.target}_${name}_$${x}"\n    tables:')
    const { project } = await load({ 'tidemark.yml': yml, 'loop_input.json': list })
    expect(project.sources[0]?.prefix).toBe('default_music_${x}')
  })
})

describe('a password in the files', () => {
  const yml = (mode: string) =>
    minimal.replace('{ secret: env:APP_URL }', 'postgres://app:hunter2@localhost/music') +
    `targets: { t: { mode: ${mode} } }\n`

  test('stops production and is a warning in development, and is repeated in neither', async () => {
    const production = await problemsOf({ 'tidemark.yml': yml('production'), 'loop_input.json': list })
    expect(production).toMatchInlineSnapshot(`
      [
        "tidemark.yml:5:10+38 SECRET_LITERAL \`sources.app.url\` holds a secret as plain text. | Move it to the environment or to .env and write \`{ secret: env:NAME }\`; then change it, it may be known already.",
      ]
    `)
    const { warnings } = await load({ 'tidemark.yml': yml('development'), 'loop_input.json': list })
    expect(warnings.map(line)).toEqual(production)
  })
  test('is not repeated by a URL that cannot be read either', async () => {
    const broken = yml('production').replace('/music\n', '/music?uselibpqcompat=true&hunter2=1\n')
    const found = await problemsOf({ 'tidemark.yml': broken, 'loop_input.json': list })
    expect(found.join('\n')).toContain('CONNECTION_URL')
    expect(found.join('\n')).not.toContain('hunter2')
  })
})

describe('alerts', () => {
  const alerts = (rules: string) => ({
    'tidemark.yml': `${minimal}alerts:
  channels:
    hook: { webhook: { secret: env:HOOK }, allow_private: true }
    mail: { email: { to: [data@example.org, b@example.org], smtp: smtp://localhost } }
  rules:
    - ${rules}
`,
    'loop_input.json': list,
  })
  test('channels and rules become values; the first receiver is the sender', async () => {
    const { project } = await load(alerts('{ on: [failure, recovery], send: [hook, mail] }'))
    expect(project.alerts).toMatchObject({
      channels: [
        { kind: 'webhook', name: 'hook', url: { secret: { kind: 'env', name: 'HOOK' } }, allowPrivate: true },
        {
          kind: 'email',
          name: 'mail',
          from: 'data@example.org',
          to: ['data@example.org', 'b@example.org'],
          smtp: 'smtp://localhost',
        },
      ],
      rules: [{ on: ['failure', 'recovery'], send: ['hook', 'mail'] }],
    })
  })
  test('a webhook is signed with a secret that is kept elsewhere, and nothing else is', async () => {
    const channel = (written: string): Record<string, string> => ({
      'tidemark.yml': `${minimal}alerts:\n  channels:\n    hook: ${written}\n`,
      'loop_input.json': list,
    })
    const { project } = await load(channel('{ webhook: { secret: env:HOOK }, sign: { secret: file:hook.key } }'))
    expect(project.alerts.channels).toMatchObject([
      { name: 'hook', sign: { secret: { kind: 'file', path: 'hook.key' } } },
    ])
    const found = async (written: string): Promise<string> => (await problemsOf(channel(written))).join('\n')
    expect(await found('{ webhook: { secret: env:HOOK }, sign: whsec_hunter2hunter2 }')).toMatchInlineSnapshot(
      `"tidemark.yml:9:50+20 CONFIG_VALUE \`alerts.channels.hook.sign\` must be a reference such as { secret: env:NAME }. | Correct the value of \`alerts.channels.hook.sign\`."`,
    )
    expect(
      await found('{ webhook: { secret: env:HOOK }, sign: { secret: whsec_hunter2hunter2 } }'),
    ).toMatchInlineSnapshot(
      `"tidemark.yml:9:60+20 SECRET_FORM A secret is a reference to where the value is kept. | Write \`{ secret: env:NAME }\`, \`{ secret: file:path }\`, \`{ secret: azure-kv:vault/name }\` or \`{ secret: aws-sm:name }\`."`,
    )
    expect(
      await found('{ email: { to: a@example.org, smtp: { secret: env:S } }, sign: { secret: env:K } }'),
    ).toMatchInlineSnapshot(
      `"tidemark.yml:9:68+4 CONFIG_CONFLICT \`sign\` has no meaning for the e-mail channel hook. | Remove it."`,
    )
  })
  test('a failure that goes on is told again after a length of time', async () => {
    const times = ['30m', '4h', '1d']
    for (const [i, written] of times.entries()) {
      const { project } = await load(alerts(`{ on: failure, send: hook, repeat_after: ${written} }`))
      expect(project.alerts.rules[0]?.repeatAfterMs).toBe([1_800_000, 14_400_000, 86_400_000][i])
    }
    expect((await load(alerts('{ on: failure, send: hook }'))).project.alerts.rules[0]?.repeatAfterMs).toBeUndefined()
    for (const wrong of ['0h', '"4 hours"', '-1h', 'never', '1.5h']) {
      const found = await problemsOf(alerts(`{ on: failure, send: hook, repeat_after: ${wrong} }`))
      expect(found.join()).toMatch(
        /:12:48.* CONFIG_VALUE .*repeat_after` must be a length of time such as 30m, 4h or 1d/,
      )
    }
    expect(await problemsOf(alerts('{ on: recovery, send: hook, repeat_after: 4h }'))).toMatchInlineSnapshot(`
      [
        "tidemark.yml:12:35+12 CONFIG_CONFLICT \`repeat_after\` has no meaning in a rule that is not about failures. | Remove it, or add failure to \`on\`.",
      ]
    `)
  })
  test('a rule for a channel that does not exist is told which one was meant', async () => {
    expect(await problemsOf(alerts('{ on: failure, send: [hook, mial] }'))).toMatchInlineSnapshot(`
      [
        "tidemark.yml:12:35+4 CHANNEL_UNKNOWN alerts.channels has no channel mial. | Did you mean "mail"?",
      ]
    `)
  })
})

describe('flows', () => {
  test('only .sql and .ts files of the patterns are handed over, sorted, and their problems are collected', async () => {
    const seen: string[] = []
    const files = {
      'tidemark.yml': minimal,
      'loop_input.json': list,
      'gold/b.sql': '',
      'gold/a.ts': '',
      'gold/a.test.ts': '',
      'gold/deep/c.sql': '',
      'gold/readme.md': '',
      'silver/x.sql': '',
      'other/y.sql': '',
    }
    await load(files, {
      loadFlows: async found => {
        seen.push(...found)
        return { flows: [], problems: [] }
      },
    })
    expect(seen).toEqual(['gold/a.ts', 'gold/b.sql', 'gold/deep/c.sql', 'silver/x.sql'])
  })
  test('a pattern that leads out of the project is refused, and one that matches nothing is a warning', async () => {
    const yml = `${minimal}flows: [../x/**]\n`
    expect(await problemsOf({ 'tidemark.yml': yml, 'loop_input.json': list })).toMatchInlineSnapshot(`
      [
        "tidemark.yml:7:9+7 CONFIG_OUTSIDE_PROJECT \`flows\` names ../x/**, which is not inside the project folder. | Keep the table list and the flows in the project folder, so that another machine finds them too.",
      ]
    `)
    const { warnings } = await load({ 'tidemark.yml': `${minimal}flows: glod/**\n`, 'loop_input.json': list })
    expect(warnings.map(line)).toMatchInlineSnapshot(`
      [
        "tidemark.yml:7:8+7 CONFIG_NO_MATCH \`flows: glod/**\` matches no .sql or .ts file. | Check the pattern, or remove it. Patterns are relative to tidemark.yml; \`**\` stands for any folders.",
      ]
    `)
  })
})

test.each(['.', '..', '/', '~/lake', 'file:///lake'])(
  'a lake at %s is refused, because it needs a folder of its own',
  async lake => {
    const found = await problemsOf({ 'tidemark.yml': `${minimal}lake: ${lake}\n`, 'loop_input.json': list })
    expect(found).toHaveLength(1)
    expect(found[0]).toMatch(/^tidemark.yml:7:7\+\d+ CONFIG_LAKE_PATH/)
  },
)

describe("DuckDB's extension for PostgreSQL", () => {
  const extensionOf = async (written: string): Promise<unknown> => {
    const yaml = `${minimal}    duckdb_extension: ${written}\n`
    const { project } = await load({ 'tidemark.yml': yaml, 'loop_input.json': list })
    const { extension } = project.sources[0] ?? {}
    return extension?.file?.replace(project.root, '')
  }

  test('is the one that is installed, or a file, beside the project where its path is not absolute', async () => {
    expect(await extensionOf('installed')).toBeUndefined()
    expect(await extensionOf('lib/postgres.duckdb_extension')).toBe(join('/lib', 'postgres.duckdb_extension'))
  })

  test('is refused where it has nothing to read', async () => {
    const yaml = `${minimal.replace('type: postgres', 'type: mysql')}    duckdb_extension: installed\n`
    expect((await problemsOf({ 'tidemark.yml': yaml, 'loop_input.json': list })).join()).toContain(
      'CONFIG_CONFLICT Source app has a `duckdb_extension` and is no postgres',
    )
  })
})
