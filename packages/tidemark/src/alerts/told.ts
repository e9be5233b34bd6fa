/**
 * What each receiver was told last about a failure that goes on: one small object for each receiver and thing, replaced
 * when it is told again. It only saves messages: without it a failure is told once more, never less.
 *
 *   system/told/<key>.json
 */
import { isDeltaError } from '@tidemark/delta'
import { z } from 'zod'
import type { ObjectStore } from '../model/ports.ts'
import { type AlertRecord, alertId } from './record.ts'

export interface Told {
  /** When the receiver was first told of the failure, ISO 8601 UTC. */
  since: string
  /** When it was told last. */
  at: string
}

const toldSchema: z.ZodType<Told> = z.object({ since: z.iso.datetime(), at: z.iso.datetime() })
const pathOf = (key: string): string => `system/told/${key}.json`

/** What tells one thing and receiver from another; equal for a failure, its repetitions and its recovery. */
export function toldKey({ channel, receiver, body }: Pick<AlertRecord, 'channel' | 'receiver' | 'body'>): string {
  return alertId([body.dedupe_key, channel, receiver ?? ''])
}

/** What was told under these keys; a key without an object, or with a damaged one, is left out. */
export async function readTold(store: ObjectStore, keys: Iterable<string>): Promise<Map<string, Told>> {
  const told = new Map<string, Told>()
  for (const key of new Set(keys)) {
    const found = await readOne(store, pathOf(key))
    if (found !== undefined) told.set(key, found)
  }
  return told
}

export async function writeTold(store: ObjectStore, key: string, told: Told): Promise<void> {
  await store.put(pathOf(key), new TextEncoder().encode(`${JSON.stringify(told)}\n`))
}

/** Forget what was told, so that the next failure is told whatever the interval. */
export async function forgetTold(store: ObjectStore, key: string): Promise<void> {
  await store.delete(pathOf(key))
}

async function readOne(store: ObjectStore, path: string): Promise<Told | undefined> {
  let text: string
  try {
    text = new TextDecoder().decode(await store.get(path))
  } catch (error) {
    if (isDeltaError(error, 'NOT_FOUND')) return undefined
    throw error
  }
  try {
    return toldSchema.safeParse(JSON.parse(text)).data
  } catch {
    return undefined
  }
}
