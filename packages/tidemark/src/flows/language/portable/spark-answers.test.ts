/** DuckDB answers as Spark 4.2 answered: values, types and failures of spark-answers.golden. */
import { afterAll, expect, test } from 'vitest'
import { linesOf, queryOfText } from '../../../../../../test/support/answer.ts'
import { openOwn } from '../../../../../../test/support/own-answers.ts'
import { readGolden } from '../../../../../../test/support/portable-golden.ts'
import { AGGREGATE_FUNCTIONS, WINDOW_FUNCTIONS } from './aggregates.ts'
import { SCALAR_FUNCTIONS } from './functions.ts'

const sections = await readGolden()
const own = await openOwn()
afterAll(() => own[Symbol.asyncDispose]())

test.each(sections)('$title', async ({ cases }) => {
  const differences: string[] = []
  for (const { text, lines } of cases) {
    const answer = await own.answer(queryOfText(text))
    const said = linesOf(answer, text)
    const isAsRecorded =
      answer.kind === 'refused'
        ? lines.includes(said[0] ?? '')
        : answer.kind === 'error'
          ? lines[0]?.startsWith('fails ') || lines.includes('fails here')
          : said.join('\n') === lines.join('\n')
    if (!isAsRecorded) differences.push([text, ...lines, '  but here', ...said].join('\n  '))
  }
  expect(differences.join('\n')).toBe('')
})

test('every function of the list has an answer of Spark', () => {
  const answered = sections
    .flatMap(section => section.cases)
    .filter(one => one.lines.some(line => line.startsWith('= ')) && !one.lines.some(line => line.startsWith('refused')))
  const names = [...SCALAR_FUNCTIONS, ...AGGREGATE_FUNCTIONS, ...Object.values(WINDOW_FUNCTIONS)].map(f => f.name)
  const volatile = ['current_date', 'current_timestamp', 'now']
  expect(
    names.filter(name => !volatile.includes(name) && !answered.some(one => one.text.includes(`${name}(`))),
  ).toEqual([])
})
