import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { runInProcess } from '../support/cli-in-process.ts'
import { temporaryFolder } from '../support/source.ts'
import { FakeSqlServer } from '../support/sqlserver-fake.ts'
import { startTdsServer } from '../support/tds-server.ts'

test('init, plan, run and verify, over the protocol', async () => {
  const db = new FakeSqlServer()
  db.tracked = { since: 0n, minValid: 0n }
  db.commit({ 1: 'a', 2: 'b, "quoted"' })
  const server = await startTdsServer({ connect: () => db.answering() })
  onTestFinished(() => server[Symbol.asyncDispose]())
  const url = `mssql://reader:secret@127.0.0.1:${server.port}/music`
  const at = { cwd: await temporaryFolder(), env: { APP_DATABASE_URL: url } }

  expect(await runInProcess(['init', url], at)).toMatchObject({ exit: 0 })
  expect(await readFile(join(at.cwd, 'tidemark.yml'), 'utf8')).toContain('type: sqlserver')
  expect(JSON.parse(await readFile(join(at.cwd, 'loop_input.json'), 'utf8'))).toEqual([
    { schema: 'dbo', table: 'orders', cdc_col: '', from_date: '', primary_key: ['id'] },
  ])
  expect((await runInProcess(['plan'], at)).stdout).toMatch(/bronze\.orders +A/)
  expect(await runInProcess(['run'], at)).toMatchObject({ exit: 0 })
  db.commit({ 1: null, 2: 'B' })
  expect((await runInProcess(['plan'], at)).stdout).toMatch(/bronze\.orders +A +change tracking/)
  expect(await runInProcess(['run'], at)).toMatchObject({ exit: 0 })
  const verified = await runInProcess(['verify'], at)
  expect([verified.exit, verified.stdout]).toEqual([0, expect.stringMatching(/bronze\.orders +equal +1 +1/)])
})
