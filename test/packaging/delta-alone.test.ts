/** @tidemark/delta alone: packed, installed in an empty folder, and used there as its README shows, with the types it brings. */
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { runNpm, runProgram } from './programs.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc')

let folder: string
let readme: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tidemark-delta-alone-'))
  const built = await runProgram(process.execPath, [tsc, '-b', 'packages/delta'], { cwd: root })
  if (built.exit !== 0) throw new Error(built.stdout)
  await runNpm(['pack', '--pack-destination', folder, '--workspace', 'packages/delta'], root)
  await writeFile(join(folder, 'package.json'), '{ "private": true, "type": "module" }')
  const tarballs = (await readdir(folder)).filter(name => name.endsWith('.tgz'))
  await runNpm(['install', '--offline', '--no-audit', '--no-fund', ...tarballs.map(name => `./${name}`)], folder)
  readme = await readFile(join(folder, 'node_modules/@tidemark/delta/README.md'), 'utf8')
  await writeFile(join(folder, 'use.ts'), /```ts\n([^]*?)```/.exec(readme)?.[1] ?? '')
  await writeFile(join(folder, 'people.parquet'), 'stands in for two rows')
}, 300_000)
afterAll(() => rm(folder, { recursive: true, force: true }))

test('it brings nothing along', async () => {
  const installed = await readdir(join(folder, 'node_modules'))
  expect(installed.filter(name => !name.startsWith('.'))).toEqual(['@tidemark'])
  expect(await readdir(join(folder, 'node_modules/@tidemark'))).toEqual(['delta'])
})

test("the README's ten lines print what it says and leave a table", async () => {
  const ended = await runProgram(process.execPath, ['use.ts'], { cwd: folder })
  expect(ended, ended.stderr).toMatchObject({ exit: 0, stdout: `${/It prints `([^`]+)`/.exec(readme)?.[1]}\n` })
  const commit = await readFile(join(folder, 'lake/people/_delta_log/00000000000000000000.json'), 'utf8')
  expect(commit).toContain('"path":"part-0.parquet"')
})

test('its types fit the same lines, checked through and through', async () => {
  const compilerOptions = {
    module: 'nodenext',
    target: 'es2024',
    strict: true,
    exactOptionalPropertyTypes: true,
    noEmit: true,
    types: ['node'],
    typeRoots: [join(root, 'node_modules/@types')],
  }
  await writeFile(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['use.ts'] }))
  const checked = await runProgram(process.execPath, [tsc, '-p', folder], { cwd: folder })
  expect(checked).toMatchObject({ exit: 0, stdout: '' })
})
