/** All that stands in a lake, as text to be searched for what must not be there. */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { sql, text } from '../../packages/tidemark/src/engine/sql.ts'
import { queryDuckdb } from './source.ts'

/** Every file below a folder by its bytes, and of Parquet files, which compress, every value and statistic as text. */
export async function everythingIn(root: string): Promise<string> {
  const files = (await readdir(root, { recursive: true, withFileTypes: true })).filter(file => file.isFile())
  const parts: string[] = []
  for (const file of files) {
    const path = join(file.parentPath, file.name)
    parts.push((await readFile(path)).toString('latin1'))
    if (!path.endsWith('.parquet')) continue
    const rows = sql`SELECT * FROM read_parquet(${text(path)}, hive_partitioning = false)`
    const statistics = sql`SELECT * FROM parquet_metadata(${text(path)})`
    parts.push(JSON.stringify([await queryDuckdb(rows), await queryDuckdb(statistics)]))
  }
  return parts.join('\n')
}
