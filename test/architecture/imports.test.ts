/** Imports go one way. A line that goes the other way is shown with the rule it breaks and why the rule exists. */
import { describe, expect, it } from 'vitest'
import { findBrokenRule } from './layers.ts'
import { listSourceFiles, parseImports, readRepositoryFile, resolveImport } from './source-files.ts'

describe('the rules', () => {
  const inside = (path: string): string => `packages/tidemark/src/${path}`

  it.each([
    ['run/execute.ts', 'ingest/extract.ts'],
    ['cli/main.ts', 'report/terminal.ts'],
    ['model/ports.ts', 'errors/problem.ts'],
    ['errors/config.ts', 'model/project.ts'],
  ])('let %s import %s', (from, target) => {
    expect(findBrokenRule(inside(from), inside(target))).toBeUndefined()
  })

  it.each([
    ['ingest/extract.ts', 'run/execute.ts', 'ingest is below run'],
    ['storage/local.ts', 'engine/sql.ts', 'do not know each other'],
    ['run/execute.ts', 'report/terminal.ts', 'no printing outside report'],
    ['report/terminal.ts', 'run/plan.ts', 'report reads events'],
    ['helpers/array.ts', 'model/step.ts', 'src/helpers has no place'],
    ['model/step.ts', 'index.ts', 'nothing inside imports src/index.ts'],
  ])('refuse that %s imports %s', (from, target, reason) => {
    expect(findBrokenRule(inside(from), inside(target))).toContain(reason)
  })

  it('keep @tidemark/delta free of everything but itself and Node', () => {
    expect(findBrokenRule('packages/delta/src/log.ts', 'packages/delta/src/action.ts')).toBeUndefined()
    expect(findBrokenRule('packages/delta/src/log.ts', 'node:crypto')).toBeUndefined()
    expect(findBrokenRule('packages/delta/src/log.ts', 'zod')).toContain('depends on nothing')
    expect(findBrokenRule('packages/delta/src/log.ts', inside('model/step.ts'))).toContain('depends on nothing')
  })
})

describe('an import line', () => {
  it('is found in each of its forms', () => {
    const text = [
      "import { a } from './a.ts'",
      "import type {\n  B,\n  C,\n} from './b.ts'",
      "export * from './c.ts'",
      "import './d.ts'",
      "const e = await import('./e.ts')",
      "export const from = 'nowhere'",
    ].join('\n')
    expect(parseImports(text)).toEqual(['./a.ts', './b.ts', './c.ts', './d.ts', './e.ts'])
  })
})

it('every import of the product goes the allowed way', () => {
  const files = listSourceFiles()
  expect(files.length).toBeGreaterThan(10)
  const broken = files.flatMap(file =>
    parseImports(readRepositoryFile(file)).flatMap(specifier => {
      const reason = findBrokenRule(file, resolveImport(file, specifier))
      return reason === undefined ? [] : [`${file} imports ${specifier}: ${reason}`]
    }),
  )
  expect(broken).toEqual([])
})
