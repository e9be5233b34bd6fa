/** The page of all ways to lose a row names a test for each, and every test that it names is there. */
import { describe, expect, it } from 'vitest'
import { listRepositoryFiles, readRepositoryFile } from './source-files.ts'

const PAGE = 'docs/guides/losses.md'
const range = (letter: string, last: number): string[] => Array.from({ length: last }, (_, n) => `${letter}${n + 1}`)
const WANTED = [...range('W', 23), ...range('M', 18), ...range('C', 16)]

interface Line {
  id: string
  tests: readonly { file: string; name: string }[]
}

/** `| W1 | way | what is done | `file`: name; `file`: name |` */
function readLines(page: string): Line[] {
  return page.split('\n').flatMap(line => {
    const cells = line.split('|').map(cell => cell.trim())
    const id = cells[1] ?? ''
    if (!/^[WMC]\d+$/.test(id)) return []
    const named = (cells.at(-2) ?? '').split(/; (?=`)/)
    return [
      {
        id,
        tests: named.map(one => /^`([^`]+)`: (.+)$/.exec(one)).map(m => ({ file: m?.[1] ?? '', name: m?.[2] ?? '' })),
      },
    ]
  })
}

/** A title as it stands behind `test(`, `it(` or `describe(`, with `.each`, `.skipIf` or what else comes between. */
const TITLE = /(?:test|it|describe)\b(?:\.\w+)*(?:\((?:[^()]|\([^()]*\))*\))?\s*\(\s*(['"`])((?:\\.|(?!\1)[^\\])+)\1/g

function titlesOf(text: string): string[] {
  return [...text.replaceAll(/\s+/g, ' ').matchAll(TITLE)].map(([, quote, title]) =>
    (title ?? '').replaceAll(`\\${quote}`, quote ?? ''),
  )
}

/** Tests that are not there, as `id: file: name`. */
function findMissing(lines: readonly Line[]): string[] {
  const files = new Set(listRepositoryFiles())
  const isThere = ({ file, name }: Line['tests'][number]): boolean =>
    name !== '' && files.has(file) && titlesOf(readRepositoryFile(file)).some(title => title.includes(name))
  return lines.flatMap(({ id, tests }) =>
    tests.filter(test => !isThere(test)).map(({ file, name }) => `${id}: ${file}: ${name}`),
  )
}

describe('the page of all ways to lose a row', () => {
  const lines = readLines(readRepositoryFile(PAGE))

  it('has a line for each of them, once', () => {
    expect(lines.map(({ id }) => id)).toEqual(WANTED)
  })

  it('names tests that exist, by their words', () => {
    expect(findMissing(lines)).toEqual([])
  })

  it('would tell a test that is gone', () => {
    const file = 'test/contract/ingest.test.ts'
    expect(findMissing(readLines(`| W1 | a | b | \`${file}\`: no such promise |\n| W2 | a | b | nothing |`))).toEqual([
      `W1: ${file}: no such promise`,
      'W2: : ',
    ])
  })

  it('takes words that are no title of a test, or of another file, for no test', () => {
    const comment = '`test/contract/ingest.test.ts`: the connection is gone'
    const elsewhere = '`test/contract/ingest.test.ts`: a file that nobody has open'
    const lines = readLines(`| W1 | a | b | ${comment} |\n| W2 | a | b | ${elsewhere} |`)
    expect(findMissing(lines)).toHaveLength(2)
  })
})
