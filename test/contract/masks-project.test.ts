/** Masks in a project, through every command that looks at rows: no raw value is printed or left behind. */
import { createHash } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { runInProcess } from '../support/cli-in-process.ts'
import { everythingIn } from '../support/lake-bytes.ts'
import { temporaryFolder } from '../support/source.ts'
import { createSqliteFile } from '../support/sqlite.ts'

const SALT = 'a salt of more than 16 characters'
const sha256 = (what: string): string => createHash('sha256').update(what).digest('hex')
const hashed = (value: string): string => sha256(`${sha256(SALT)}:${value}`)

test('plan, run, verify and trace show masked values, and the lake with its quarantine holds no other', async () => {
  const file = await createSqliteFile(`CREATE TABLE person (id integer PRIMARY KEY, city text, email text, phone text);
INSERT INTO person VALUES (1, 'plainly', 'canary-mail-1', '0049-canary-1234'), (2, 'bad', 'canary-mail-2', NULL)`)
  const cwd = await temporaryFolder()
  const masks = { email: 'hash', phone: 'partial' }
  const silver = { expect_or_drop: { good: "city <> 'bad'" } }
  await writeFile(
    join(cwd, 'tidemark.yml'),
    `name: people
sources:
  app: { type: sqlite, url: "sqlite:${file.path}", salt: { secret: env:MASK_SALT }, tables: list.json }
`,
  )
  await writeFile(join(cwd, 'list.json'), JSON.stringify([{ schema: 'main', table: 'person', masks, silver }]))
  const env: Record<string, string | undefined> = { MASK_SALT: SALT }
  const printed: string[] = []
  const command = async (...args: string[]): Promise<number> => {
    const ended = await runInProcess(args, { cwd, env })
    printed.push(ended.stdout, ended.stderr)
    return ended.exit
  }
  expect(await command('plan')).toBe(0)
  expect(await command('run')).toBe(0)
  file.writer.exec(`UPDATE person SET email = 'canary-mail-3', phone = '0049-canary-9876' WHERE id = 1`)
  expect(await command('run', '--json')).toBe(0)
  expect(await command('verify')).toBe(0)
  expect(await command('trace', 'person', 'id=1', '--json')).toBe(0)
  expect(await command('status')).toBe(0)

  const all = `${await everythingIn(join(cwd, 'lake'))}\n${printed.join('\n')}`
  for (const seen of ['plainly', '***1234', '***9876', 'masked: hash']) expect(all).toContain(seen)
  expect(await everythingIn(join(cwd, 'lake', 'quarantine'))).toContain(hashed('canary-mail-2'))
  for (const raw of ['canary', SALT]) expect(all).not.toContain(raw)

  env['MASK_SALT'] = undefined
  expect(await command('run')).not.toBe(0)
  expect(printed.join('')).toContain('SECRET_MISSING')
})
