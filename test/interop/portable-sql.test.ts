/**
 * Portable SQL on a real Spark: every text of spark-answers.golden gives there what the file says, and what we give.
 * `vitest run --project heavy test/interop/portable-sql.test.ts -u` writes the file anew; a new text needs no answer.
 */
import { describe, expect, test } from 'vitest'
import { linesOf, queryOfText } from '../support/answer.ts'
import { hasSpark, WHEN_MISSING } from '../support/interop/installed.ts'
import { answerTexts, makeSparkTables } from '../support/interop/spark-answers.ts'
import { openOwn } from '../support/own-answers.ts'
import { GOLDEN, type GoldenCase, type GoldenSection, printGolden, readGolden } from '../support/portable-golden.ts'

describe.skipIf(!hasSpark)(`Spark 4.2 (${WHEN_MISSING})`, () => {
  test('answers every text as the golden file says, and as we do or refuse to', async () => {
    await makeSparkTables()
    await using own = await openOwn()
    const sections = await readGolden()
    const texts = sections.flatMap(section => section.cases.map(one => one.text))
    const theirs = new Map((await answerTexts(texts)).map((answer, i) => [texts[i], answer]))
    const differences: string[] = []
    const verify = async ({ text, lines }: GoldenCase): Promise<GoldenCase> => {
      const answer = theirs.get(text) ?? { kind: 'error', why: 'not asked' }
      const ours = await own.answer(queryOfText(text))
      const said = linesOf(answer, text)
      if (ours.kind === 'refused') return { text, lines: [...said, `refused ${ours.code}`] }
      const isEqual = answer.kind === ours.kind && (ours.kind === 'error' || linesOf(ours, text).join() === said.join())
      if (isEqual) return { text, lines: said }
      if (ours.kind === 'error' && lines.includes('fails here')) return { text, lines: [...said, 'fails here'] }
      differences.push(`${text}\n  Spark ${said.join(' ')}\n  ours  ${linesOf(ours, text).join(' ')}`)
      return { text, lines: said }
    }
    const verified: GoldenSection[] = []
    for (const { title, cases } of sections) {
      const done: GoldenCase[] = []
      for (const one of cases) done.push(await verify(one))
      verified.push({ title, cases: done })
    }
    expect(differences.join('\n')).toBe('')
    await expect(printGolden(verified)).toMatchFileSnapshot(GOLDEN)
  })
})
