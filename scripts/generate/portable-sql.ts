/** docs/reference/portable-sql.md from the closed lists of functions. */
import { pageHead, printMarkdownTable } from './markdown.ts'

interface FunctionLine {
  signature: string
  meaning: string
}

export interface PortableLists {
  scalar: readonly FunctionLine[]
  aggregate: readonly FunctionLine[]
  window: readonly FunctionLine[]
}

/** Every function that means the same on both engines. */
export function printPortableSql(lists: PortableLists): string {
  const table = (lines: readonly FunctionLine[]): string =>
    printMarkdownTable(
      ['function', 'meaning'],
      lines.map(line => [`\`${line.signature}\``, line.meaning]),
    )
  return `${pageHead('Portable SQL', 'packages/tidemark/src/flows/language/portable')}
Queries in flows, rules and \`derive\` are the part of Databricks SQL that means the same on DuckDB and on Spark. Names
mean what Spark means by them. Everything outside these lists is an error with its place, before anything runs.
\`-- dialect: duckdb\` on the first line of a flow file opts its queries out; \`plan\` then says that the flow will not run
on Spark.

## Functions

${table(lists.scalar)}
## Aggregates

${table(lists.aggregate)}
## Over a window

Aggregates may have a window too.

${table(lists.window)}`
}
