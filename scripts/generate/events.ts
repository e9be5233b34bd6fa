/** docs/reference/events.md: the contract of `--events`. */
import { eventReference, ledgerReference, problemReference, resultReference } from './event-reference.ts'
import { code, pageHead, printMarkdownTable } from './markdown.ts'

/** Every event, result, ledger and problem with its keys. `samples` are lines as the product prints them. */
export function printEvents(samples: readonly string[]): string {
  const keyTable = (keys: Readonly<Record<string, string>>): string =>
    printMarkdownTable(
      ['key', 'meaning'],
      Object.entries(keys).map(([key, meaning]) => [code(key), meaning]),
    )
  const events = Object.entries(eventReference).map(
    ([kind, { when, keys }]) => `### ${kind}\n\n${when}\n\n${keyTable(keys)}`,
  )
  const ledgers = Object.entries(ledgerReference).map(
    ([kind, { balance, keys }]) => `### ${kind}\n\n\`${balance}\`\n\n${keyTable(keys)}`,
  )
  return `${pageHead('Events', 'scripts/generate/event-reference.ts')}
\`tidemark run --events\` prints one JSON object a line on stdout while it runs. Every event has \`kind\`, \`runId\` and
\`at\` (ISO 8601 UTC). Counts and versions are 64-bit integers and therefore text. Keys are never left out: what is not
known is null. Keys and kinds may be added; none is renamed or removed, so a reader ignores what it does not know.

\`\`\`json
${samples.map(line => line.trimEnd()).join('\n')}
\`\`\`

## Events

${events.join('\n')}
## Result of a step

${keyTable(resultReference)}
### Its problem

${keyTable(problemReference)}
## Ledgers

Every row read is in exactly one bucket; a step whose ledger does not balance fails before it commits.

${ledgers.join('\n')}`
}
