/**
 * Every function and class of the public API has an example in its docstring, which fits the types, runs as it stands,
 * and prints what it says that it prints. Examples may speak of everything in support/example-world.ts.
 */
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import * as api from '../src/index.ts'
import { makeExampleWorld } from './support/example-world.ts'

const ROOT = join(import.meta.dirname, '../../..')
const SOURCE = join(import.meta.dirname, '../src')
const NAMES = Object.entries(api).flatMap(([name, value]) => (typeof value === 'function' ? [name] : []))

const examples = new Map<string, string>()
let printed: Record<string, string[]> = {}
let typeErrors: string
let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tidemark-examples-'))
  const index = await readFile(join(SOURCE, 'index.ts'), 'utf8')
  for (const name of NAMES) {
    const file = [...index.matchAll(/export \{([^}]*)\} from '([^']+)'/g)].find(([, names = '']) =>
      names.split(',').some(exported => exported.trim() === name),
    )?.[2]
    const example = findExample(await readFile(join(SOURCE, file ?? ''), 'utf8'), name)
    if (example !== undefined) examples.set(name, example)
  }
  await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'))
  const world = Object.keys(await makeExampleWorld(folder))
  for (const [name, example] of examples) await writeFile(join(folder, `${name}.mts`), moduleOf(name, example, world))
  await writeFile(join(folder, 'run.mts'), RUNNER)
  const settings = {
    extends: join(ROOT, 'tsconfig.test.json'),
    compilerOptions: { noEmit: true, composite: false, noUnusedLocals: false },
    include: [...examples.keys()].map(name => `${name}.mts`),
    exclude: [],
    references: [],
  }
  await writeFile(join(folder, 'tsconfig.json'), JSON.stringify(settings))
  const run = promisify(execFile)
  const node = run(process.execPath, ['--conditions=source', 'run.mts', ...examples.keys()], { cwd: folder })
  const tsc = run(process.execPath, [join(ROOT, 'node_modules/typescript/bin/tsc'), '-p', folder]).then(
    () => '',
    (error: { stdout?: string }) => error.stdout || String(error),
  )
  printed = JSON.parse((await node).stdout) as Record<string, string[]>
  typeErrors = await tsc
}, 120_000)
afterAll(() => rm(folder, { recursive: true }))

/** The example of the docstring right before an export. */
function findExample(source: string, name: string): string | undefined {
  const before = new RegExp(`^export (?:async )?(?:function|class|const) ${name}\\b`, 'm').exec(source)
  const doc = source.slice(0, before?.index).match(/\/\*\*(?:(?!\*\/)[^])*\*\/\n$/)?.[0]
  const fenced = /@example\n \* ```ts\n([^]*?) \* ```\n/.exec(doc ?? '')?.[1]
  return fenced?.replaceAll(/^ \* ?/gm, '')
}

/** The example as it stands, with those names of the package and of the world that it uses and does not define. */
function moduleOf(name: string, example: string, worldNames: readonly string[]): string {
  const words = new Set(example.match(/\w+/g))
  const imported = Object.keys(api).filter(word => words.has(word))
  const world = join(import.meta.dirname, 'support/example-world.ts')
  const given = worldNames.filter(word => words.has(word) && !new RegExp(`const (\\[|\\{ )?${word}\\b`).test(example))
  return `import { ${[...imported, 'type StructType'].join(', ')} } from '@tidemark/delta'
import { makeExampleWorld } from ${JSON.stringify(world)}
const { ${given.join(', ')} } = await makeExampleWorld(${JSON.stringify(join(folder, `${name}-folder`))})
${example}export {}
`
}

/** Imports the modules one after the other, and tells what each printed or threw. */
const RUNNER = `import { inspect } from 'node:util'
const told = {}
for (const name of process.argv.slice(2)) {
  const lines = (told[name] = [])
  console.log = (...values) =>
    lines.push(values.map(v => (typeof v === 'string' ? v : inspect(v, { breakLength: Infinity }))).join(' '))
  await import('./' + name + '.mts').catch(error => lines.push(String(error)))
}
process.stdout.write(JSON.stringify(told))
`

test('every function and class has an example that prints something', () => {
  expect(NAMES.length).toBeGreaterThan(50)
  expect(NAMES.filter(name => !examples.get(name)?.includes('console.log('))).toEqual([])
})

test('examples fit the types', () => {
  expect(typeErrors).toBe('')
})

describe('an example prints what it says', () => {
  test.each(NAMES)('%s', name => {
    const said = [...(examples.get(name) ?? '').matchAll(/^console\.log\(.*\) \/\/ (.*)$/gm)].map(([, text]) => text)
    expect(printed[name]).toEqual(said)
  })
})
