/** Promises about every file: how long it may grow, what its name says, that it says what it promises. */
import { describe, expect, it } from 'vitest'
import { listRepositoryFiles, listSourceFiles, readRepositoryFile } from './source-files.ts'

/** A file longer than this holds more than one idea. An exception is listed with the reason it is one idea after all. */
const LONGEST = 300
const LONG_BY_NATURE: Readonly<Record<string, string>> = {
  'packages/tidemark/src/flows/language/portable/expression.ts': 'a grammar: one case for each kind of expression',
}

/** Names that say nothing, and so collect everything. */
const EMPTY_NAMES = /(^|\/)(utils?|common|helpers?|misc|shared|stuff)(\.|\/|$)/

/** Text that is true on one machine only. Written as patterns that do not match themselves. */
const MACHINE_TEXT: readonly { pattern: RegExp; what: string }[] = [
  { pattern: /\/(?:work|home\/(?!user\b)\w+|Users\/\w+)\/\w/, what: 'a path on somebody’s machine' },
  { pattern: /\/tmp\/(?:bash_jobs|task\d)/, what: 'a path on somebody’s machine' },
  {
    pattern: /registry\.npmjs|files\.pythonhosted|\bpypi\.org|deb\.debian\.org|repo1?\.maven/,
    what: 'a registry’s host',
  },
]

describe('product files', () => {
  const files = listSourceFiles()

  it(`stay under ${LONGEST} lines, one idea each`, () => {
    const long = files
      .map(path => ({ path, lines: readRepositoryFile(path).split('\n').length - 1 }))
      .filter(({ path, lines }) => lines > LONGEST && LONG_BY_NATURE[path] === undefined)
    expect(long.map(({ path, lines }) => `${path}: ${lines} lines`)).toEqual([])
  })

  it('begin with a comment that says what they promise', () => {
    const silent = files.filter(path => !/^(#!.*\n)?\/[/*]/.test(readRepositoryFile(path)))
    expect(silent).toEqual([])
  })

  it('leave no note about work to be done later', () => {
    const noted = files.filter(path => /\b(TODO|FIXME|XXX)\b/.test(readRepositoryFile(path)))
    expect(noted).toEqual([])
  })
})

describe('every file', () => {
  const files = listRepositoryFiles()

  it('has a name that says what is inside', () => {
    expect(files.filter(path => EMPTY_NAMES.test(path))).toEqual([])
    expect('packages/delta/src/utils.ts').toMatch(EMPTY_NAMES)
    expect('packages/delta/src/common/list.ts').toMatch(EMPTY_NAMES)
  })

  it('is the same on every machine: no local paths, no registry hosts', () => {
    const texts = files.filter(path => !/\.(png|parquet|gz|zip|ico)$/.test(path))
    const found = texts.flatMap(path => {
      const text = readRepositoryFile(path)
      return MACHINE_TEXT.filter(({ pattern }) => pattern.test(text)).map(({ what }) => `${path} holds ${what}`)
    })
    expect(found).toEqual([])
  })
})
