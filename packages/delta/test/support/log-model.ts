/**
 * A model of a table's log: a history of what happens to files, applications and domains, the state that must come of
 * it, and the same history laid down as commits, checkpoints of every form and compacted logs.
 */
import fc from 'fast-check'
import { type DeletionVectorDescriptor, printSchema } from '../../src/index.ts'
import type { MemoryStore } from './memory-store.ts'
import { parquetBytes } from './json-parquet.ts'
import { ROW_SCHEMA } from './rows.ts'

/** What one commit does. `write` gives a path a deletion vector by number; 0 is none. */
export interface ModelCommit {
  files: Record<string, { kind: 'write'; vector: number; twice: boolean } | { kind: 'remove' }>
  txns: Record<string, number>
  domains: Record<string, string | null>
  order: number
}

/** What the table holds after a commit. */
export interface ModelState {
  /** Version that wrote each path last, and its deletion vector. */
  files: Map<string, { version: number; vector: number }>
  txns: Map<string, number>
  domains: Map<string, string>
  /** Removed files that are not there: path, vector, version that removed them. */
  removed: Map<string, { path: string; vector: number; version: number }>
}

const name = fc.constantFrom('a', 'b', 'c d', 'ø')

/** Histories of up to `maxLength` commits, with deletion vectors up to a number. */
export function modelHistory(maxLength: number, vectors: number): fc.Arbitrary<ModelCommit[]> {
  const event = fc.oneof(
    fc.record({ kind: fc.constant('write' as const), vector: fc.nat(vectors), twice: fc.boolean() }),
    fc.constant({ kind: 'remove' as const }),
  )
  const commit = fc.record<ModelCommit>({
    files: fc.dictionary(name, event, { noNullPrototype: true }),
    txns: fc.dictionary(name, fc.nat(9), { noNullPrototype: true }),
    domains: fc.dictionary(name, fc.option(fc.string(), { nil: null }), { noNullPrototype: true }),
    order: fc.nat(1000),
  })
  return fc.array(commit, { minLength: 1, maxLength })
}

/** The states after each commit, and the lines of each commit, in an order that must not matter. */
export function playModel(history: readonly ModelCommit[]): { states: ModelState[]; lines: string[][] } {
  const states: ModelState[] = []
  const lines: string[][] = []
  let state: ModelState = { files: new Map(), txns: new Map(), domains: new Map(), removed: new Map() }
  for (const [version, commit] of history.entries()) {
    const next = copyOf(state)
    const actions: object[] = version === 0 ? [{ protocol: PROTOCOL }, { metaData: METADATA }] : []
    for (const [path, what] of Object.entries(commit.files)) actions.push(...playFile(next, path, what, version))
    for (const [appId, v] of Object.entries(commit.txns)) {
      next.txns.set(appId, v)
      actions.push({ txn: { appId, version: v } })
    }
    for (const [domain, configuration] of Object.entries(commit.domains)) {
      if (configuration === null) next.domains.delete(domain)
      else next.domains.set(domain, configuration)
      actions.push({ domainMetadata: { domain, configuration: configuration ?? '', removed: configuration === null } })
    }
    lines.push(
      [{ commitInfo: { timestamp: version, operation: 'WRITE' } }, ...rotate(actions, commit.order)].map(toLine),
    )
    states.push(next)
    state = next
  }
  return { states, lines }
}

const PROTOCOL = {
  minReaderVersion: 3,
  minWriterVersion: 7,
  readerFeatures: ['v2Checkpoint'],
  writerFeatures: ['v2Checkpoint', 'domainMetadata'],
}

const METADATA = {
  id: 'table',
  format: { provider: 'parquet', options: {} },
  schemaString: printSchema(ROW_SCHEMA),
  partitionColumns: [],
  configuration: {},
}

function playFile(state: ModelState, path: string, what: ModelCommit['files'][string], version: number): object[] {
  const before = state.files.get(path)
  const gone = (vector: number): object => ({ remove: { ...removeOf(path, vector), deletionTimestamp: version } })
  if (what.kind === 'remove') {
    // Removing what is not there is idle, and a tombstone all the same.
    const vector = before?.vector ?? 0
    state.files.delete(path)
    state.removed.set(`${path} ${vector}`, { path, vector, version })
    return [gone(vector)]
  }
  const actions: object[] = [{ add: addOf(path, { version, vector: what.vector }) }]
  if (before !== undefined && before.vector !== what.vector) {
    actions.push(gone(before.vector))
    state.removed.set(`${path} ${before.vector}`, { path, vector: before.vector, version })
  } else if (what.twice) actions.push(gone(what.vector))
  state.files.set(path, { version, vector: what.vector })
  state.removed.delete(`${path} ${what.vector}`)
  return actions
}

function addOf(path: string, { version, vector }: { version: number; vector: number }): object {
  const uri = encodeURIComponent(path)
  const stats = `{"numRecords":${version}}`
  return {
    path: uri,
    partitionValues: {},
    size: version,
    modificationTime: 0,
    dataChange: true,
    stats,
    ...withVector(vector),
  }
}

function removeOf(path: string, vector: number): object {
  return { path: encodeURIComponent(path), dataChange: true, ...withVector(vector) }
}

function withVector(vector: number): { deletionVector?: DeletionVectorDescriptor } {
  if (vector === 0) return {}
  const at = { storageType: 'u', pathOrInlineDv: 'vector', offset: vector, sizeInBytes: 1 } as const
  return { deletionVector: { ...at, cardinality: 1 as unknown as bigint } }
}

export type CheckpointKind = 'classic' | 'classic v2' | 'parts' | 'part missing' | 'torn' | 'json' | 'uuid parquet'

export const checkpointKind = fc.constantFrom<CheckpointKind>(
  'classic',
  'classic v2',
  'parts',
  'part missing',
  'torn',
  'json',
  'uuid parquet',
)

/** Whether a reader can use it. */
export function isUsable(kind: CheckpointKind): boolean {
  return kind !== 'torn' && kind !== 'part missing'
}

/** Lay down one checkpoint; says what `_last_checkpoint` would say of it. */
export function putCheckpoint(
  store: MemoryStore,
  at: { version: number; kind: CheckpointKind; state: ModelState; order: number; sidecars: boolean },
): object {
  const { version, kind, state, order } = at
  const stem = `t/_delta_log/${digits(version)}.checkpoint`
  const files = rotate(fileActions(state), order)
  const others: object[] = [{ protocol: PROTOCOL }, { metaData: METADATA }]
  for (const [appId, v] of state.txns) others.push({ txn: { appId, version: v } })
  for (const [domain, configuration] of state.domains)
    others.push({ domainMetadata: { domain, configuration, removed: false } })
  const isV2 = kind === 'json' || kind === 'uuid parquet' || kind === 'classic v2'
  if (isV2) others.push({ checkpointMetadata: { version, tags: {} } })
  const rows = isV2 && at.sidecars ? [...others, ...putSidecars(store, version, kind, files)] : [...others, ...files]
  const lines = rotate(rows, order).map(toLine)
  const bytes = parquetBytes(lines)
  const uuid = `0000000${order % 10}-aaaa-4aaa-8aaa-aaaaaaaaaaaa`
  switch (kind) {
    case 'classic':
    case 'classic v2':
      store.objects.set(`${stem}.parquet`, bytes)
      return { version, size: lines.length }
    case 'torn':
      store.objects.set(`${stem}.parquet`, bytes.slice(0, bytes.length - 1 - (order % bytes.length)))
      return { version, size: lines.length }
    case 'parts':
    case 'part missing':
      for (const part of kind === 'parts' ? [1, 2] : [2]) {
        const half = lines.filter((_, i) => i % 2 === part - 1)
        store.objects.set(`${stem}.${digits(part, 10)}.${digits(2, 10)}.parquet`, parquetBytes(half))
      }
      return { version, size: lines.length, parts: 2 }
    case 'json':
      store.objects.set(`${stem}.${uuid}.json`, new TextEncoder().encode(lines.join('\n')))
      return { version, size: lines.length, v2Checkpoint: { path: `${digits(version)}.checkpoint.${uuid}.json` } }
    case 'uuid parquet':
      store.objects.set(`${stem}.${uuid}.parquet`, bytes)
      return { version, size: lines.length }
  }
}

function putSidecars(store: MemoryStore, version: number, kind: CheckpointKind, files: readonly object[]): object[] {
  return [0, 1].map(half => {
    const lines = files.filter((_, i) => i % 2 === half).map(toLine)
    const path = `${version}-${kind.replace(' ', '-')}-${half}.parquet`
    store.objects.set(`t/_delta_log/_sidecars/${path}`, parquetBytes(lines))
    return { sidecar: { path, sizeInBytes: 1, modificationTime: 0 } }
  })
}

function fileActions(state: ModelState): object[] {
  const adds = [...state.files].map(([path, file]) => ({ add: addOf(path, file) }))
  const removes = [...state.removed.values()].map(({ path, vector, version }) => {
    return { remove: { ...removeOf(path, vector), deletionTimestamp: version } }
  })
  return [...adds, ...removes]
}

/** The commits `from` to `to` reconciled, as a compacted log says them. */
export function putCompacted(
  store: MemoryStore,
  at: { from: number; to: number; states: readonly ModelState[]; history: readonly ModelCommit[]; torn: boolean },
): void {
  const { from, to, states, history, torn } = at
  const state = states[to]
  if (state === undefined) throw new Error('no such version')
  const seen = history.slice(from, to + 1)
  const paths = new Set(seen.flatMap(c => Object.keys(c.files)))
  const actions: object[] = from === 0 ? [{ protocol: PROTOCOL }, { metaData: METADATA }] : []
  for (const [path, file] of state.files) if (paths.has(path)) actions.push({ add: addOf(path, file) })
  for (const { path, vector, version } of state.removed.values()) {
    if (version >= from) actions.push({ remove: { ...removeOf(path, vector), deletionTimestamp: version } })
  }
  for (const appId of new Set(seen.flatMap(c => Object.keys(c.txns)))) {
    actions.push({ txn: { appId, version: state.txns.get(appId) } })
  }
  for (const domain of new Set(seen.flatMap(c => Object.keys(c.domains)))) {
    const configuration = state.domains.get(domain)
    actions.push({
      domainMetadata: { domain, configuration: configuration ?? '', removed: configuration === undefined },
    })
  }
  const content = torn ? '{"add":{"pa' : actions.map(toLine).join('\n')
  store.objects.set(`t/_delta_log/${digits(from)}.${digits(to)}.compacted.json`, new TextEncoder().encode(content))
}

export function putCommit(store: MemoryStore, version: number, lines: readonly string[]): void {
  store.objects.set(`t/_delta_log/${digits(version)}.json`, new TextEncoder().encode(lines.join('\n')))
}

function digits(value: number, length = 20): string {
  return String(value).padStart(length, '0')
}

function toLine(action: object): string {
  return JSON.stringify(action)
}

function rotate<T>(items: readonly T[], by: number): T[] {
  const turn = items.length === 0 ? 0 : by % items.length
  return [...items.slice(turn), ...items.slice(0, turn)]
}

function copyOf(state: ModelState): ModelState {
  const { files, txns, domains, removed } = state
  return { files: new Map(files), txns: new Map(txns), domains: new Map(domains), removed: new Map(removed) }
}
