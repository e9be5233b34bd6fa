/** `npm run demo` as a stranger runs it: a process, its exit code, and the lines that make the promise. */
import { chmod, cp, mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parseMail } from '../../examples/music/mail.ts'
import { type Ended, runProgram } from '../packaging/programs.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const example = join(root, 'examples', 'music')

describe('the demo', () => {
  let demo: Ended
  /** A copy of the project: what somebody's own demo left in examples/music is not ours to remove. */
  let folder: string

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tidemark-demo-'))
    await chmod(folder, 0o755)
    const left = new Set(['lake', '.database', '.env'])
    await cp(example, folder, { recursive: true, filter: path => !left.has(basename(path)) })
    const args = ['--conditions=source', join(example, 'demo.ts')]
    demo = await runProgram(process.execPath, args, { cwd: root, env: { DEMO_FOLDER: folder } })
  }, 240_000)

  afterAll(() => rm(folder, { recursive: true, force: true }))

  test('ends with exit code 0 and computes that tables equal their source while the common recipe loses rows', () => {
    expect(demo, `${demo.stdout}\n${demo.stderr}`).toMatchObject({ exit: 0 })
    expect(demo.stdout).toContain(
      '5 tables equal the source; the common `cdc_col > last` recipe on these changes loses 189 rows.',
    )
    expect(demo.stdout).not.toContain('DIFFERENT')
  })

  test('compares every bronze and every silver table', () => {
    const compared = demo.stdout.matchAll(/^ {2}((?:bronze|silver)\.\w+) +([\d,]+) +([\d,]+) +equal$/gm)
    const names = [...compared].map(match => match[1])
    expect(names.toSorted()).toEqual([
      'bronze.DimArtist',
      'bronze.DimDate',
      'bronze.DimTrack',
      'bronze.DimUser',
      'bronze.FactStream',
      'silver.DimArtist',
      'silver.DimDate',
      'silver.DimTrack',
      'silver.DimUser',
      'silver.FactStream',
    ])
  })

  test('sends a failure alert by mail, then a recovery, and nothing else', () => {
    const subjects = [...demo.stdout.matchAll(/│ Subject: (.*)$/gm)].map(match => match[1])
    expect(subjects).toHaveLength(2)
    expect(demo.stdout).toMatch(/Mail 1 to data-team@example\.org has arrived/)
    expect(demo.stdout).toMatch(/Mail 2 to data-team@example\.org has arrived/)
    for (const subject of subjects) expect(subject).toContain('DimArtist')
    expect(demo.stdout).toContain('│ More: tidemark explain SOURCE_TABLE_MISSING\n')
  })

  test('shows the row in quarantine and each state of one user', () => {
    expect(demo.stdout).toMatch(/silver\.FactStream.*listened_at_all/)
    const states = demo.stdout.split('user 44, from when to when')[1]?.split('Who listens most')[0] ?? ''
    expect(states.match(/Free|Family|Premium/g)).toHaveLength(3)
  })

  test('leaves database and lake behind, and its proof sees a single changed value', async () => {
    process.env['DEMO_FOLDER'] = folder
    const { connect, startServer } = await import('../../examples/music/server.ts')
    const { compareLake } = await import('../../examples/music/proof.ts')
    await using server = await startServer()
    const client = await connect(server)
    try {
      const differing = async () => (await compareLake(client)).filter(one => !one.equal).map(one => one.table)
      expect(await differing()).toEqual([])
      await client.query('BEGIN')
      await client.query(`UPDATE dbo."DimDate" SET weekday = NULL WHERE date_key = 20250101`)
      expect(await differing()).toEqual(['bronze.DimDate', 'silver.DimDate'])
      await client.query('ROLLBACK')
    } finally {
      await client.end()
    }
  })

  test('its last three commands work on what it leaves behind', async () => {
    const last = demo.stdout.split('Three commands to try:')[1] ?? ''
    const [start = '', ...commands] = [...last.matchAll(/^ {2}(\S.*)$/gm)].map(match => match[1] ?? '')
    expect(start).toMatch(/^npm run demo:db /)
    expect(commands).toHaveLength(2)
    const answers: Promise<Ended>[] = []
    const database = await runProgram(process.execPath, ['--conditions=source', join(example, 'demo-db.ts')], {
      cwd: root,
      env: { DEMO_FOLDER: folder },
      onOutput: (text, kill) => {
        if (!text.includes('Ctrl-C stops it.')) return
        answers.push(...commands.map(command => runProgram('bash', ['-c', command], { cwd: root })))
        void Promise.allSettled(answers).then(() => kill('SIGINT'))
      },
    })
    expect(database, database.stderr).toMatchObject({ exit: 0 })
    const [plan, query] = await Promise.all(answers)
    expect(plan, plan?.stderr).toMatchObject({ exit: 0 })
    expect(plan?.stdout).toMatch(/^bronze\.DimUser +A +xmin scan .* (?:nothing, proved|at most 0 rows)/m)
    expect(query, query?.stderr).toMatchObject({ exit: 0 })
    expect(query?.stdout.match(/^ +(?:77|101) /gm)).toHaveLength(2)
  })

  test('keeps the password in a file that only its owner can read, and out of what it prints', async () => {
    expect((await stat(join(folder, '.env'))).mode & 0o777).toBe(0o600)
    const password = /postgres:\/\/[^:]+:([^@]+)@/.exec(await readFile(join(folder, '.env'), 'utf8'))?.[1] ?? ''
    expect(password).not.toBe('')
    expect(demo.stdout + demo.stderr).not.toContain(password)
  })
})

test('a mail is shown as it was written, whatever its encoding', () => {
  const message = [
    'From: a@example.org',
    'Subject: =?UTF-8?Q?bronze.K=C3=B8_failed?=',
    'Content-Type: multipart/alternative; boundary="b"',
    '',
    '--b',
    'Content-Type: text/plain; charset=utf-8',
    'Content-Transfer-Encoding: quoted-printable',
    '',
    'K=C3=B8 is =',
    'missing',
    '--b',
    'Content-Type: text/html; charset=utf-8',
    '',
    '<p>no</p>',
    '--b--',
  ].join('\r\n')
  expect(parseMail(message, 'b@example.org')).toEqual({
    to: 'b@example.org',
    subject: 'bronze.Kø failed',
    text: 'Kø is missing',
  })
})
