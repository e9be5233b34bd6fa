/**
 * The same operations by Delta on Spark, in a session that is open and warm: what is measured is the statement alone,
 * with the compilers, the code generation and the heap that a user of one machine has. Needs /proc.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { sparkProcess, type SparkSize } from '../../test/support/interop/spark-process.ts'
import type { Figure } from './figure.ts'

const SIZE: SparkSize = {
  java: ['-Xmx4g'],
  settings: { 'spark.sql.shuffle.partitions': '4', 'spark.databricks.delta.snapshotPartitions': '2' },
}

/** Clock ticks in a second, which Linux has fixed for programs. */
const TICKS = 100

export interface SparkBench {
  /** Run an operation on the table of a folder. */
  measure: (folder: string, operation: string) => Promise<Figure>
  stop: () => Promise<void>
}

export async function openSparkBench(): Promise<SparkBench> {
  const waiting = new Map<string, (answer: { error?: { message: string }; ended?: string }) => void>()
  const spark = sparkProcess(
    {
      answer: (id, line) => waiting.get(id)?.(JSON.parse(line) as { error?: { message: string } }),
      end: ended => {
        for (const tell of waiting.values()) tell({ ended })
      },
    },
    SIZE,
  )
  let count = 0
  const run = async (sql: string): Promise<void> => {
    const id = String((count += 1))
    const answer = await new Promise<{ error?: { message: string }; ended?: string }>(resolve => {
      waiting.set(id, resolve)
      spark.send({ id, session: 'bench', sql })
    })
    waiting.delete(id)
    const failure = answer.error?.message ?? answer.ended
    if (failure !== undefined) throw new Error(`${sql}: ${failure}`)
  }
  await run('SELECT 1')
  const pid = await spark.pid()
  return {
    measure: async (folder, operation) => {
      writeFileSync(`/proc/${pid}/clear_refs`, '5')
      const [start, cpu] = [performance.now(), cpuSeconds(pid)]
      await run(statementOf(folder, operation))
      const seconds = (performance.now() - start) / 1000
      return { seconds, cpuSeconds: cpuSeconds(pid) - cpu, peakMiB: peakMiB(pid) }
    },
    stop: () => spark.stop(),
  }
}

function statementOf(folder: string, operation: string): string {
  const table = `delta.\`${join(folder, 'orders')}\``
  if (operation === 'delete') return `DELETE FROM ${table} WHERE customer_id < 2000`
  if (operation === 'optimize') return `OPTIMIZE ${table}`
  // Answered from the statistics of every file; their number alone would be read from the version's checksum.
  if (operation === 'open') return `SELECT count(*) FROM ${table}`
  const source = join(folder, `${operation.replace('merge-', '')}.parquet`)
  return `MERGE INTO ${table} t USING parquet.\`${source}\` s ON t.id = s.id
    WHEN MATCHED THEN UPDATE SET * WHEN NOT MATCHED THEN INSERT *`
}

function cpuSeconds(pid: number | undefined): number {
  // The name of the program, in parentheses, may hold blanks; user and system time are fields 14 and 15.
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ')
  return (Number(fields[11]) + Number(fields[12])) / TICKS
}

function peakMiB(pid: number | undefined): number {
  const [, kiB = 0] = /VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
  return Number(kiB) / 1024
}
