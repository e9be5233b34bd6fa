/**
 * A question with a known answer: some versions of DuckDB tell wrong bounds of a file with several row groups, and a reader
 * that trusts them passes over rows. Asked once an engine, before its first file; it takes three milliseconds.
 */
import type { Problem } from '../../errors/problem.ts'
import { ENGINE_STATISTICS_WRONG } from '../../errors/engine.ts'
import { type Sql, sql, text } from '../sql.ts'
import { finishedFiles } from './finished-file.ts'
import type { WritePorts } from './write-files.ts'

const LEAST = '-99999999999999999999.5'
const GREATEST = '99999999999999999999.5'

type Ports = Pick<WritePorts, 'ids' | 'scratch' | 'query'>

/**
 * A check that asks until DuckDB has answered rightly once; sessions that begin to write at the same time each ask.
 *
 * @throws ENGINE_STATISTICS_WRONG
 */
export function statisticsCheck(): (ports: Ports) => Promise<void> {
  let isRight = false
  return async ports => {
    if (!isRight) await ask(ports)
    isRight = true
  }
}

async function ask({ ids, scratch, query }: Ports): Promise<void> {
  const answer = await scratch.inFolder(`statistics-${ids.uuid()}`, [], async folder =>
    query(questionStatement(`${folder}/question.parquet`)),
  )
  const wrong = findWrong(answer)
  if (wrong !== undefined) throw wrong
}

/** Rows 1 and 3000 hold the extremes of both columns, the one in the first group and the other in the second. */
function questionStatement(file: string): Sql {
  return sql`COPY (SELECT CAST(CASE i WHEN 1 THEN ${text(LEAST)} WHEN 3000 THEN ${text(GREATEST)} ELSE '0' END \
AS DECIMAL(38,1)) AS n, CASE i WHEN 1 THEN 'a' WHEN 3000 THEN 'z' ELSE 'm' END AS t FROM range(4096) r(i)) \
TO ${text(file)} (FORMAT parquet, ROW_GROUP_SIZE 2048, RETURN_STATS)`
}

/** The Problem with an answer; undefined when it is right. Exported for its test. */
export function findWrong(answer: readonly (readonly unknown[])[]): Problem | undefined {
  const [file] = finishedFiles(answer)
  for (const [column, min, max] of [
    ['"n"', LEAST, GREATEST],
    ['"t"', 'a', 'z'],
  ] as const) {
    const told = file?.statistics.get(column)
    if (told?.get('min') === min && told.get('max') === max) continue
    return ENGINE_STATISTICS_WRONG({ told: `${told?.get('min')} to ${told?.get('max')}`, wanted: `${min} to ${max}` })
  }
  return undefined
}
