/**
 * What may be done in a lake, found by doing it under names of the probe's own: list, create if absent, read, hold, delete.
 * Facts only; what they mean for a person is said by whoever asks.
 */
import { Problem } from '../errors/problem.ts'
import type { Ids } from '../model/ports.ts'
import type { RemoteStore } from './remote-store.ts'

export type ProbeAction = 'list' | 'create' | 'create only if absent' | 'read' | 'hold' | 'delete'

export interface ProbeFact {
  readonly action: ProbeAction
  /** A Problem where the store refused; undefined when it went well. */
  readonly failure: Error | undefined
  /** The role or permission that gives the right to it. */
  readonly needs: string
}

export interface LakeProbe {
  /** As whom it was tried, in words and without secrets. */
  readonly login: string
  readonly facts: readonly ProbeFact[]
}

const RIGHTS: Readonly<Record<ProbeAction, readonly [azure: string, s3: string]>> = {
  list: ['Storage Blob Data Reader', 's3:ListBucket'],
  create: ['Storage Blob Data Contributor', 's3:PutObject'],
  'create only if absent': [
    'Storage Blob Data Contributor',
    's3:PutObject, s3:GetObject and a store that honours If-None-Match',
  ],
  read: ['Storage Blob Data Reader', 's3:GetObject'],
  hold: ['Storage Blob Data Contributor', 's3:PutObject, s3:GetObject and a store that honours If-Match'],
  delete: ['Storage Blob Data Contributor', 's3:DeleteObject'],
}

/** Try each action, whatever became of the one before; what the probe made it removes where it may. */
export async function probeLake(store: RemoteStore, ids: Pick<Ids, 'uuid'>): Promise<LakeProbe> {
  const path = `_tmp/probe-${ids.uuid()}`
  const held = `${path}-held`
  const isS3 = store.locate(path).startsWith('s3://')
  const facts: ProbeFact[] = []
  const attempt = async (action: ProbeAction, work: () => Promise<unknown>): Promise<void> => {
    const failure = await work().then(() => undefined, reasonOf)
    facts.push({ action, failure, needs: RIGHTS[action][isS3 ? 1 : 0] })
  }
  await attempt('list', async () => {
    for await (const _ of store.list(path)) break
  })
  const bytes = new TextEncoder().encode('written by a check of rights; may be deleted')
  let isMade = false
  await attempt('create', async () => {
    await store.putIfAbsent(path, bytes)
    isMade = true
  })
  if (isMade) {
    await attempt('create only if absent', async () => {
      if ((await store.putIfAbsent(path, bytes)) === 'created') throw new Error('the store replaced an object')
    })
    await attempt('read', () => store.get(path))
    await attempt('hold', () => tryClaim(store, held))
  }
  await attempt('delete', async () => {
    await store.delete(path)
    await store.delete(held)
  })
  return { login: await store.describeLogin(), facts }
}

/** Hold an object as a run holds its lake: nobody who saw another version of it may have it too. */
async function tryClaim(store: RemoteStore, path: string): Promise<void> {
  const words = (who: string): Uint8Array => new TextEncoder().encode(`held by ${who} of a check of rights`)
  const claim = await store.claim(path, words('one'), { leaseMs: 15_000 })
  if (claim.kind === 'rival') throw new Error('the store gives nobody an object of a new name')
  try {
    const over = { kind: 'rival' as const, bytes: words('nobody'), version: '"0x0"', expires: false }
    const other = await store.claim(path, words('another'), { leaseMs: 15_000, over })
    if (other.kind === 'claim') throw new Error('the store let two hold one object')
  } finally {
    await claim.release()
  }
}

/** A write's refusal is wrapped in the word that nothing was written. */
function reasonOf(error: unknown): Error {
  if (!(error instanceof Error)) return new Error(String(error))
  return error.cause instanceof Problem ? error.cause : error
}
