/** The page of all ways to lose a row names a test for each, and every test that it names is there. */
import { describe, expect, it } from 'vitest'
import { listRepositoryFiles, readRepositoryFile } from './source-files.ts'

const PAGE = 'docs/guides/losses.md'
const range = (letter: string, last: number): string[] => Array.from({ length: last }, (_, n) => `${letter}${n + 1}`)
const WANTED = [...range('W', 23), ...range('M', 17), ...range('C', 16)]

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

/** Tests that are not there, as `id: file: name`. */
function findMissing(lines: readonly Line[]): string[] {
  const files = new Set(listRepositoryFiles())
  const isThere = ({ file, name }: Line['tests'][number]): boolean =>
    name !== '' && files.has(file) && readRepositoryFile(file).replaceAll(/\s+/g, ' ').includes(name)
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
})
