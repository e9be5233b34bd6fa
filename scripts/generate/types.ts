/** docs/reference/types.md from the table the Postgres source reads its types by. */
import type { TypeRule } from '../../packages/tidemark/src/sources/postgres/types.ts'
import { code, pageHead, printMarkdownTable } from './markdown.ts'

/** Each source type and the lake type that carries it; what is lost or refused is said. */
export function printTypes(postgresTypes: readonly TypeRule[]): string {
  const rows = postgresTypes.map(rule => [rule.postgres, code(rule.lake), rule.note ?? ''])
  return `${pageHead('Types', 'packages/tidemark/src/sources/postgres/types.ts')}
How each PostgreSQL type arrives in the lake. A value that its lake type cannot hold stops the table with its column and
the reason; \`as_text\` in the table's entry carries such a column as text. Nothing is rounded, cut or shifted silently.

${printMarkdownTable(['PostgreSQL', 'lake', 'note'], rows)}`
}
