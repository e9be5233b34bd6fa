import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

test("the README's example runs as it stands and prints what the README says", async () => {
  const readme = await readFile(join(import.meta.dirname, '..', 'README.md'), 'utf8')
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
