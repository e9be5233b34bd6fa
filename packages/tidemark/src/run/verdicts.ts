/** The last verdict of `verify` on each table, kept as a fact of the lake so that `status` can show it. */
import type { ObjectStore } from '@tidemark/delta'
import { fileSafeName } from '../model/names.ts'
import type { Verdict } from '../ingest/verify.ts'

const FOLDER = 'system/verify'

/**
 * Keep up to when a table was proved: the moment of the comparison, or that of the mark where the source has moved on
 * since. A verdict that proves nothing leaves the last proof as it is.
 */
export async function writeVerdict(store: ObjectStore, verdict: Verdict): Promise<void> {
  const { table, asOf, status, verifiedThrough } = verdict
  if (verifiedThrough === undefined) return
  const body = JSON.stringify({ table, asOf, status, verified_through: verifiedThrough })
  await store.put(`${FOLDER}/${fileSafeName(verdict.table)}.json`, new TextEncoder().encode(`${body}\n`))
}

/** A proof as it is kept. */
export interface KeptVerdict {
  table: string
  verifiedThrough: string
}

/** The last proof of each table. One that cannot be read counts as none: the table has to be verified again. */
export async function readVerdicts(store: ObjectStore): Promise<Map<string, KeptVerdict>> {
  const verdicts = new Map<string, KeptVerdict>()
  for await (const { path } of store.list(FOLDER)) {
    const verdict = parseVerdict(await store.get(path))
    if (verdict !== undefined) verdicts.set(verdict.table, verdict)
  }
  return verdicts
}

function parseVerdict(bytes: Uint8Array): KeptVerdict | undefined {
  try {
    const kept = Object(JSON.parse(new TextDecoder().decode(bytes))) as Record<string, unknown>
    const { table, verified_through: verifiedThrough } = kept
    return typeof table === 'string' && typeof verifiedThrough === 'string' ? { table, verifiedThrough } : undefined
  } catch {
    return undefined
  }
}
