/** Answers of the real Spark to portable SQL; to many expressions in few statements. */
import { type Answer, isQuery, queryOfText } from '../answer.ts'
import { sparkTable, TABLES } from '../portable-tables.ts'
import { spark, SparkError } from './spark.ts'

/** Make the tables of portable-tables.ts for this session. */
export async function makeSparkTables(): Promise<void> {
  await spark.run(Object.keys(TABLES).map(sparkTable))
}

/** Answers to texts, queries and expressions mixed, in their order. */
export async function answerTexts(texts: readonly string[]): Promise<Answer[]> {
  const expressions = texts.filter(text => !isQuery(text))
  const answers = new Map<string, Answer>()
  for (const [i, answer] of (await answerExpressions(expressions)).entries()) answers.set(expressions[i] ?? '', answer)
  for (const text of texts.filter(isQuery)) answers.set(text, await answerSpark(queryOfText(text)))
  return texts.map(text => answers.get(text) ?? { kind: 'error', why: 'not asked' })
}

/** One query. */
async function answerSpark(query: string): Promise<Answer> {
  try {
    const { columns, rows } = await spark.sql(query)
    return { kind: 'rows', types: columns.map(c => c.type), rows }
  } catch (error) {
    if (error instanceof SparkError) return { kind: 'error', why: error.condition }
    throw error
  }
}

/** As many expressions as one statement asks for. */
const TOGETHER = 40

/** The answer to `SELECT expression` for each; one that fails is found by halving, so most cost no statement of their own. */
async function answerExpressions(expressions: readonly string[]): Promise<Answer[]> {
  const answers: Answer[] = []
  for (let at = 0; at < expressions.length; at += TOGETHER) {
    answers.push(...(await answerTogether(expressions.slice(at, at + TOGETHER))))
  }
  return answers
}

async function answerTogether(expressions: readonly string[]): Promise<Answer[]> {
  const list = expressions.map((expression, i) => `${expression}\n AS x${i}`).join(', ')
  const answer = await answerSpark(`SELECT ${list}`)
  if (answer.kind === 'rows') {
    const cells = JSON.parse(answer.rows[0] ?? '[]') as unknown[]
    return cells.map((cell, i) => ({ kind: 'rows', types: [answer.types[i] ?? ''], rows: [JSON.stringify([cell])] }))
  }
  if (expressions.length === 1) return [answer]
  const half = Math.ceil(expressions.length / 2)
  return [...(await answerTogether(expressions.slice(0, half))), ...(await answerTogether(expressions.slice(half)))]
}
