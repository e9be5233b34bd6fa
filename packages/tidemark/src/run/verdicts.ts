/** The last verdict of `verify` on each table, kept as a fact of the lake so that `status` can show it. */
import type { ObjectStore } from '@tidemark/delta'
import { fileSafeName } from '../model/names.ts'
import type { Verdict } from '../ingest/verify.ts'

const FOLDER = 'system/verify'

/** Keep a verdict that found the table equal, or equal but for rows the source has written since. */
export async function writeVerdict(store: ObjectStore, verdict: Verdict): Promise<void> {
  if (verdict.status !== 'equal' && verdict.status !== 'pending') return
  const body = JSON.stringify({ table: verdict.table, asOf: verdict.asOf, status: verdict.status })
  await store.put(`${FOLDER}/${fileSafeName(verdict.table)}.json`, new TextEncoder().encode(`${body}\n`))
}

/** The last verdict of each table. One that cannot be read counts as none: the table has to be verified again. */
export async function readVerdicts(store: ObjectStore): Promise<Map<string, { asOf: string; status: string }>> {
  const verdicts = new Map<string, { asOf: string; status: string }>()
  for await (const { path } of store.list(FOLDER)) {
    const verdict = parseVerdict(await store.get(path))
    if (verdict !== undefined) verdicts.set(verdict.table, verdict)
  }
  return verdicts
}

function parseVerdict(bytes: Uint8Array): { table: string; asOf: string; status: string } | undefined {
  try {
    const { table, asOf, status } = Object(JSON.parse(new TextDecoder().decode(bytes))) as Record<string, unknown>
    if (typeof table !== 'string' || typeof asOf !== 'string' || typeof status !== 'string') return undefined
    return { table, asOf, status }
  } catch {
    return undefined
  }
}
