/**
 * Spark's verified answers to portable SQL, as lines of a file: a text, then indented what Spark answers, then where it
 * is so `refused CODE` (the text is outside the subset) or `fails here` (Spark has a value, we have an error).
 * test/interop/portable-sql.test.ts asks a real Spark and writes the file anew with `-u`; the fast tests hold us to it.
 */
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'

export const GOLDEN: string = fileURLToPath(
  new URL('../../packages/tidemark/src/flows/language/portable/spark-answers.golden', import.meta.url),
)

export interface GoldenCase {
  text: string
  lines: string[]
}

export interface GoldenSection {
  title: string
  cases: GoldenCase[]
}

export async function readGolden(): Promise<GoldenSection[]> {
  const sections: GoldenSection[] = []
  for (const line of (await readFile(GOLDEN, 'utf8')).split('\n')) {
    if (line === '') continue
    const section = sections.at(-1)
    if (line.startsWith('-- ')) sections.push({ title: line.slice(3), cases: [] })
    else if (line.startsWith('  ')) section?.cases.at(-1)?.lines.push(line.slice(2))
    else section?.cases.push({ text: line, lines: [] })
  }
  return sections
}

export function printGolden(sections: readonly GoldenSection[]): string {
  const print = ({ text, lines }: GoldenCase): string => [text, ...lines.map(line => `  ${line}`)].join('\n')
  return `${sections.map(({ title, cases }) => [`-- ${title}`, ...cases.map(print)].join('\n')).join('\n\n')}\n`
}
