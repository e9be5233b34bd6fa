/**
 * Random portable SQL means the same on Spark and DuckDB: the same types and rows, or a failure on both. The seed is
 * fixed, so that a run says something about the change it judges; TIDEMARK_SEED and TIDEMARK_RUNS look further.
 */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Answer, linesOf, queryOfText } from '../support/answer.ts'
import { hasSpark, WHEN_MISSING } from '../support/interop/installed.ts'
import { answerTexts, makeSparkTables } from '../support/interop/spark-answers.ts'
import { openOwn } from '../support/own-answers.ts'
import { portableQuery } from '../support/portable-grammar.ts'
import { momentText, numberText, textLiteral } from '../support/portable-texts.ts'

const seed = Number(process.env['TIDEMARK_SEED'] ?? 20261126)
const numRuns = Number(process.env['TIDEMARK_RUNS'] ?? 120)

/** Refusals that a query of this grammar may meet: its types are random. */
const EXPECTED_REFUSAL = /needs \d+ digits|always NULL|no common type|without the parentheses/

/** DuckDB loses the sign of zero where it sorts, and in greatest and least of FLOAT; the values are equal. */
function print(answer: Answer, query: string): string {
  const unsigned =
    answer.kind === 'rows' ? { ...answer, rows: answer.rows.map(row => row.replaceAll('"-0"', '"0"')) } : answer
  return linesOf(unsigned, query).join('\n  ')
}

/** Beside a NULL one engine may compute what the other passes over, so an overflow there is on one side alone. */
const isOverflow = (answer: Answer): boolean =>
  answer.kind === 'error' && /overflow|DIVIDE_BY_ZERO|REMAINDER_BY_ZERO/i.test(answer.why)

function isEqual(ours: Answer, spark: Answer, query: string): boolean {
  return ours.kind === spark.kind && (ours.kind === 'error' || print(ours, query) === print(spark, query))
}

describe.skipIf(!hasSpark)(`Spark 4.2 (${WHEN_MISSING})`, () => {
  test(`answers ${numRuns} random queries as we do (seed ${seed})`, async () => {
    await makeSparkTables()
    await using own = await openOwn()
    const queries = [...new Set(fc.sample(portableQuery, { seed, numRuns }))]
    const ours = new Map<string, Answer>()
    for (const query of queries) ours.set(query, await own.answer(query))
    const asked = queries.filter(query => ours.get(query)?.kind !== 'refused')
    const answers = await answerTexts(asked)
    const theirs = new Map(asked.map((query, i) => [query, answers[i]]))
    const counts = { rows: 0, error: 0, refused: 0, overflow: 0 }
    const differences: string[] = []
    for (const [query, answer] of ours) {
      const spark = theirs.get(query)
      counts[answer.kind] += 1
      if (answer.kind === 'refused') {
        if (!EXPECTED_REFUSAL.test(answer.why)) differences.push(`${query}\n  refused ${answer.why}`)
      } else if (spark && isEqual(answer, spark, query)) continue
      else if (spark && (isOverflow(answer) || isOverflow(spark))) counts.overflow += 1
      else differences.push(`${query}\n  Spark ${spark && print(spark, query)}\n  ours  ${print(answer, query)}`)
    }
    expect(differences.join('\n')).toBe('')
    // The grammar must keep asking for values: were most refused or failing, equality would say little.
    expect(counts.rows, JSON.stringify(counts)).toBeGreaterThan(queries.length * 0.85)
    expect(counts.overflow, JSON.stringify(counts)).toBeLessThan(queries.length * 0.02)
  })

  test(`reads ${numRuns} random texts as we do (seed ${seed})`, async () => {
    await using own = await openOwn()
    const casts = (texts: readonly string[], types: string): string[] =>
      texts.flatMap(text => types.split(' ').map(type => `TRY_CAST(${textLiteral(text)} AS ${type})`))
    const moments = casts(fc.sample(momentText, { seed, numRuns }), 'DATE TIMESTAMP TIMESTAMP_NTZ')
    const numbers = casts(
      fc.sample(numberText, { seed, numRuns }),
      'TINYINT BIGINT DOUBLE FLOAT DECIMAL(20,6) DECIMAL(38,38) DECIMAL(4,2) BOOLEAN',
    )
    const texts = [...new Set([...moments, ...numbers])]
    const theirs = await answerTexts(texts)
    const differences: string[] = []
    for (const [i, cast] of texts.entries()) {
      const [ours, spark] = [await own.answer(queryOfText(cast)), theirs[i]].map(a => a && linesOf(a, cast).join())
      if (ours !== spark) differences.push(`${cast}\n  Spark ${spark}\n  ours  ${ours}`)
    }
    expect(differences.join('\n')).toBe('')
    const values = theirs.filter(answer => answer.kind === 'rows' && answer.rows[0] !== '[null]')
    expect(values.length).toBeGreaterThan(texts.length / 8)
  })
})
