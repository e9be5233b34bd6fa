import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { FEATURES } from '../src/snapshot/features.ts'

const README = join(import.meta.dirname, '..', 'README.md')

test("the README's example runs as it stands and prints what the README says", async () => {
  const readme = await readFile(README, 'utf8')
  const code = /```ts\n([\s\S]*?)```/.exec(readme)?.[1] ?? ''
  const printed = /It prints `([^`]+)`/.exec(readme)?.[1]
  const folder = await mkdtemp(join(tmpdir(), 'tidemark-readme-'))
  try {
    await writeFile(join(folder, 'example.mts'), code)
    await writeFile(join(folder, 'people.parquet'), 'stands in for two rows')
    await symlink(join(import.meta.dirname, '../../../node_modules'), join(folder, 'node_modules'))
    const args = ['--conditions=source', 'example.mts']
    const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: folder })
    expect(stdout.trim()).toBe(printed)
  } finally {
    await rm(folder, { recursive: true })
  }
})

test('the README lists every feature with what is done about it', async () => {
  const rows = FEATURES.map(f => `| \`${f.name}\` | ${f.read} | ${f.write} | ${f.note} |`)
  const readme = await readFile(README, 'utf8')
  expect(readme.split('\n').filter(line => line.startsWith('| `') && line.split(' | ').length === 4)).toEqual(rows)
})
