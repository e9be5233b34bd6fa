/**
 * The common recipe beside the real thing: `cdc_col > last`, then MAX(cdc_col). It looks at the same moments and keeps
 * the numbers of the events it saw, so that what it lost can be counted.
 */
import type { TestDatabase } from '../support/postgres.ts'

export interface Recipe {
  seen: Set<string>
  poll(): Promise<void>
}

export function createRecipe(database: TestDatabase): Recipe {
  const seen = new Set<string>()
  let last = '-infinity'
  return {
    seen,
    poll: async () => {
      for (const { no } of await database.query('SELECT no FROM event WHERE updated_at > $1', [last]))
        seen.add(no ?? '')
      const [max] = await database.query("SELECT coalesce(max(updated_at), '-infinity') AS last FROM event")
      last = max?.['last'] ?? last
    },
  }
}
