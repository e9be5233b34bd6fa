/** docs/reference/portable-sql.md from the lists that the reader of portable SQL works by. */
import type { ReferenceGroup } from '../../packages/tidemark/src/flows/language/portable/reference.ts'
import { pageHead, printMarkdownTable } from './markdown.ts'

/** Everything that means the same on both engines, and what is left to each of them. */
export function printPortableSql(groups: readonly ReferenceGroup[]): string {
  const tables = groups.map(({ title, entries }) => {
    const lines = entries.map(({ signature, meaning }) => [`\`${signature}\``, meaning])
    return `## ${title}\n\n${printMarkdownTable(['form', 'meaning'], lines)}`
  })
  return `${pageHead('Portable SQL', 'packages/tidemark/src/flows/language/portable')}
Queries in flows, rules and \`derive\` are the part of Databricks SQL that means the same on DuckDB and on Spark. Names
mean what Spark means by them. Everything outside these lists is an error with its place, before anything runs;
so are spellings of what is in them that DuckDB alone reads, such as \`a ISNULL\`, \`x: a\` or a comma behind the last column.
\`-- dialect: duckdb\` on the first line of a flow file opts its queries out; \`plan\` then says that the flow will not run
on Spark.

What Spark 4.2.0 in ANSI mode answers to more than a thousand texts of it, edges included, stands in
\`spark-answers.golden\` beside the source; tests hold DuckDB to the file, and ask Spark again.

${tables.join('\n')}
## Left to each engine

- An overflow beside a NULL, and the order in which conditions are tried: an error may come from one engine alone.
- A sum of BIGINT that leaves the range on its way and comes back: Spark fails in some orders of the rows, DuckDB in none.
- The average of BIGINT beyond 2^53: Spark adds in DOUBLE, DuckDB exactly.
- The sign of zero of a DOUBLE or FLOAT after ORDER BY, over a window, and in \`greatest\` and \`least\`.
`
}
