/**
 * `money` in databases of currencies with other decimals than two: PostgreSQL keeps a number, and `lc_monetary` of the database
 * says where its point is. Left out where the machine cannot make locales.
 */
import { execFile } from 'node:child_process'
import { chmod } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, onTestFinished, test } from 'vitest'
import { createProject } from '../support/cli.ts'
import { startPostgres } from '../support/postgres.ts'
import { temporaryFolder } from '../support/source.ts'

const LOCALES = { yen: 'ja_JP.UTF-8', dinar: 'ar_KW.UTF-8' }

/** Locales in a folder of the test's own; undefined where there is no localedef, or nothing to make them of. */
async function makeLocales(): Promise<string | undefined> {
  const folder = await temporaryFolder()
  await chmod(folder, 0o755)
  try {
    for (const name of Object.values(LOCALES)) {
      const [language = '', charset = ''] = name.split('.')
      await promisify(execFile)('localedef', ['--no-archive', '-i', language, '-f', charset, join(folder, name)])
    }
    return folder
  } catch {
    return undefined
  }
}

test('money is exact in a currency of no decimals and refused in one of three; an amount whose point has moved is read again', async ({
  skip,
}) => {
  const locales = await makeLocales()
  if (locales === undefined) return skip('this machine makes no locales (Debian: apt-get install locales)')
  process.env['LOCPATH'] = locales
  onTestFinished(() => void delete process.env['LOCPATH'])
  await using server = await startPostgres({ directory: await temporaryFolder() })
  await server.query('CREATE TABLE paid (id int PRIMARY KEY, sum money, parts money[])')
  await server.query(`INSERT INTO paid VALUES (1, '12.34', '{1.50}')`)
  const source = `{ type: postgres, url: { secret: env:APP_URL }, tables: list.json }`
  const files = {
    'tidemark.yml': `name: t\nsources:\n  app: ${source}\n`,
    'list.json': '[{ "schema": "public", "table": "paid" }]',
  }
  const project = await createProject(files, { APP_URL: server.url() }, 'in this process')
  const sums = async (): Promise<unknown> => await project.query('SELECT id, sum, parts FROM silver.paid ORDER BY id')

  expect((await project.run()).step('bronze.paid').problem).toBe(null)
  expect(await sums()).toEqual([{ id: '1', sum: '12.34', parts: '["$1.50"]' }])

  await server.query(`ALTER DATABASE postgres SET lc_monetary = '${LOCALES.yen}'`)
  expect((await project.run()).step('bronze.paid').problem).toBe(null)
  const [row] = await server.query(`SELECT sum::numeric::text AS sum, parts::text AS parts FROM paid`)
  expect(row?.['sum']).toBe('1234')
  expect(await sums()).toEqual([{ id: '1', sum: '1234.00', parts: expect.stringContaining('150') }])
  expect((await project.tidemark('verify')).exit).toBe(0)

  await server.query(`ALTER DATABASE postgres SET lc_monetary = '${LOCALES.dinar}'`)
  const refused = await project.run()
  expect(refused.step('bronze.paid').problem?.message).toContain('more than two decimals')
})
