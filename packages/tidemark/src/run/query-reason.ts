/**
 * Why the engine refused a query, in words of the query: of a name that is not there the engine speaks of clauses and
 * lists of values that nobody wrote.
 */
import { suggest } from '../config/suggest.ts'

interface Told {
  pattern: RegExp
  say: (name: string, more: string) => string
}

const TOLD: readonly Told[] = [
  {
    pattern: /^Binder Error: Referenced column "(.*?)" not found in FROM clause!(?:\s*Candidate bindings: (.*))?/s,
    say: (column, candidates) => {
      const known = [...candidates.matchAll(/"([^"]*)"/g)].map(([, name = '']) => name)
      const near = suggest(column, known)
      return `There is no column ${column} in the tables of the query.${near === undefined ? '' : ` Did you mean ${near}?`}`
    },
  },
  {
    pattern: /^Binder Error: (?:Values list|Table) "(.*?)" does not have a column named "(.*?)"/s,
    say: (table, column) => `${table} has no column ${column}.`,
  },
  {
    pattern: /^Catalog Error: (?:\w+ )?Function with name "?(.*?)"? does not exist!/s,
    say: name => `There is no function ${name}.`,
  },
]

/** @param message of the engine; its lines that show the statement show ours, not what was written */
export function queryReason(message: string): string {
  for (const { pattern, say } of TOLD) {
    const [, name, more = ''] = pattern.exec(message) ?? []
    if (name !== undefined) return say(name, more)
  }
  return message.replaceAll(/\s*LINE \d+:[^]*$/g, '')
}
