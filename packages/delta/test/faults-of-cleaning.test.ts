/**
 * VACUUM and the clean-up of the log, with every one of their store calls failing in every way: what is within the
 * retention stays readable row for row, an undecided attempt keeps its files, and cleaning again removes the rest.
 */
import { describe, expect, test } from 'vitest'
import {
  type CleanPorts,
  type CommitPorts,
  cleanLog,
  isDeltaError,
  readSnapshot,
  stageAppend,
  stageCreate,
  stageOverwrite,
  vacuum,
  writeCheckpoint,
} from '../src/index.ts'
import { faultyStore } from './support/faulty-store.ts'
import { jsonParquet } from './support/json-parquet.ts'
import { type MemoryStore, memoryStore } from './support/memory-store.ts'
import { NEW, observe, row, START, TABLE, write } from './support/operations.ts'
import { publish } from './support/publish.ts'
import { ROW_SCHEMA, tableRows, testPorts } from './support/rows.ts'

const DAY_MS = 24 * 60 * 60 * 1000
/** Somewhen in the middle of a day. */
const BEGIN = 20_000 * DAY_MS + DAY_MS / 2
const info = { operation: 'WRITE' }

/** Files whose attempt is undecided: written as late as the newest version, named by no commit. */
const PENDING = `${TABLE}/pending`

/** A sidecar of long ago that no checkpoint names. */
const SIDECAR = `${TABLE}/_delta_log/_sidecars/orphan.parquet`

/** Versions 0 to 2 of long ago with checkpoints at 1 and 2, orphans of that time; version 3 and an attempt of today. */
async function makeTable(): Promise<{ store: MemoryStore; ports: CommitPorts & CleanPorts }> {
  let now = BEGIN
  const store = memoryStore(() => now)
  const logParquet = jsonParquet(store)
  const ports = { ...testPorts(store), logParquet, clock: { now: () => now, sleep: async () => {} } }
  const files = (name: string, rows = START) => write({ ports, name, signal: undefined }, rows)
  const v0 = await publish(ports, stageCreate({ tablePath: TABLE, schema: ROW_SCHEMA, files: await files('a'), info }))
  const v1 = await publish(ports, stageOverwrite(v0, { files: await files('b', NEW), info }))
  await writeCheckpoint(ports, { tablePath: TABLE })
  const v2 = await publish(ports, stageAppend(v1, { files: await files('c', [row(4, 'four')]), info }))
  await writeCheckpoint(ports, { tablePath: TABLE })
  await files('orphan')
  await store.put(SIDECAR, new Uint8Array([1]))
  now += 40 * DAY_MS
  await publish(ports, stageOverwrite(v2, { files: await files('d'), info }))
  await files('pending')
  return { store, ports }
}

/** What may never change: the newest version, and the one that was current until today. */
async function seen(store: MemoryStore): Promise<object> {
  const before = await readSnapshot({ store, logParquet: jsonParquet(store) }, { tablePath: TABLE, version: 2n })
  if (before === undefined) throw new Error('version 2 is gone')
  const { version, files } = before
  return { now: await observe(store), before: { version, files, rows: await tableRows(store, before) } }
}

/** The files of an old version by the log, or that it says that they cannot be told; anything else is thrown. */
async function filesAt(store: MemoryStore, version: bigint): Promise<readonly string[] | 'refused'> {
  try {
    const snapshot = await readSnapshot({ store, logParquet: jsonParquet(store) }, { tablePath: TABLE, version })
    return [...(snapshot?.files.keys() ?? [])]
  } catch (error) {
    if (isDeltaError(error)) return 'refused'
    throw error
  }
}

const cleanings = [
  { name: 'VACUUM', clean: vacuum, removed: [`${TABLE}/a`, `${TABLE}/orphan`] },
  {
    name: 'cleaning the log',
    clean: cleanLog,
    removed: [
      ...['0.crc', '0.json', '1.checkpoint.parquet', '1.crc', '1.json'].map(
        name => `${TABLE}/_delta_log/${'0'.repeat(19)}${name}`,
      ),
      SIDECAR,
    ],
  },
]

describe.each(cleanings)('$name', ({ clean, removed }) => {
  /** Clean with one call failing; true when that call was reached. */
  async function cleanWithFault(mode: 'before' | 'after' | 'hang', call: number): Promise<boolean> {
    const { store, ports } = await makeTable()
    const whole = await seen(store)
    const paths = new Set(store.objects.keys())
    const interrupt = new AbortController()
    const onFault = (): void => (mode === 'hang' ? interrupt.abort() : undefined)
    const faulty = faultyStore(store, { call, mode, signal: interrupt.signal, onFault })
    const request = { tablePath: TABLE, signal: interrupt.signal }
    const failing = { ...ports, store: faulty, logParquet: jsonParquet(faulty) }
    const outcome = await clean(failing, request).catch((error: unknown) => error)
    const gone = (): string[] => [...paths].filter(path => !store.objects.has(path)).sort()
    expect(await seen(store)).toEqual(whole)
    expect(removed).toEqual(expect.arrayContaining(gone()))
    // A clean-up that cannot read one checkpoint rests on an older one; what it says that it removed is what is gone.
    if (!(outcome instanceof Error)) expect(gone()).toEqual((outcome as { removed: string[] }).removed.toSorted())
    expect(['refused', ['a']]).toContainEqual(await filesAt(store, 0n))
    expect(['refused', ['b']]).toContainEqual(await filesAt(store, 1n))
    if (!faulty.fired) expect(gone()).toEqual(removed)
    await clean(ports, { tablePath: TABLE })
    // A sidecar stays where it could not be read which of them a checkpoint names, until something older goes again.
    const isExpected = (path: string): boolean => path !== SIDECAR
    expect(gone().filter(isExpected)).toEqual(removed.filter(isExpected))
    expect(await seen(store)).toEqual(whole)
    expect(store.objects.has(PENDING)).toBe(true)
    return faulty.fired
  }

  test.each(['before', 'after', 'hang'] as const)(
    'takes nothing that is needed, and is finished by the next one, when a call fails: %s',
    async mode => {
      let call = 1
      while (await cleanWithFault(mode, call)) call += 1
      // It reads, lists and removes each file by a call of its own.
      expect(call).toBeGreaterThan(removed.length + 2)
    },
  )
})
