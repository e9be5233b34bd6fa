import fc from 'fast-check'
import { expect, test } from 'vitest'
import { memoryStore } from '../../test/support/memory-store.ts'
import { ROW_SCHEMA } from '../../test/support/rows.ts'
import { commitPath } from '../log/log-path.ts'
import { printSchema } from '../schema/schema.ts'
import { readSnapshot, refreshSnapshot } from './read-log.ts'

interface ModelCommit {
  /** What happens to each path in this commit. */
  files: Record<string, 'add' | 'remove' | 'remove and add'>
  txns: Record<string, number>
  domains: Record<string, string | null>
  order: number
}

const name = fc.constantFrom('a', 'b', 'c d', 'ø')
const history = fc.array(
  fc.record<ModelCommit>({
    files: fc.dictionary(name, fc.constantFrom('add', 'remove', 'remove and add'), { noNullPrototype: true }),
    txns: fc.dictionary(name, fc.nat(9), { noNullPrototype: true }),
    domains: fc.dictionary(name, fc.option(fc.string(), { nil: null }), { noNullPrototype: true }),
    order: fc.nat(1000),
  }),
  { minLength: 1, maxLength: 40 },
)

const metaData = {
  id: 'table',
  format: { provider: 'parquet', options: {} },
  schemaString: printSchema(ROW_SCHEMA),
  partitionColumns: [],
  configuration: {},
}

/** The lines of a commit, rotated: their order must not matter. */
function lines(commit: ModelCommit, version: number): string {
  const actions: object[] = []
  if (version === 0) actions.push({ protocol: { minReaderVersion: 1, minWriterVersion: 2 } }, { metaData })
  for (const [path, what] of Object.entries(commit.files)) {
    const uri = encodeURIComponent(path)
    const add = { path: uri, partitionValues: {}, size: version, modificationTime: 0, dataChange: true }
    if (what !== 'remove') actions.push({ add })
    if (what !== 'add') actions.push({ remove: { path: uri, dataChange: true } })
  }
  for (const [appId, v] of Object.entries(commit.txns)) actions.push({ txn: { appId, version: v } })
  for (const [domain, configuration] of Object.entries(commit.domains)) {
    actions.push({ domainMetadata: { domain, configuration: configuration ?? '', removed: configuration === null } })
  }
  const turn = actions.length === 0 ? 0 : commit.order % actions.length
  return [...actions.slice(turn), ...actions.slice(0, turn)].map(a => JSON.stringify(a)).join('\n')
}

/** For each name, look back for the newest commit that mentions it. */
function model(commits: readonly ModelCommit[]): { files: object; txns: object; domains: object } {
  const newest = <T>(pick: (c: ModelCommit) => Record<string, T>, keep: (value: T) => boolean): object => {
    const names = new Set(commits.flatMap(c => Object.keys(pick(c))))
    const last = [...names].map(n => [n, commits.findLastIndex(c => Object.hasOwn(pick(c), n))] as const)
    return Object.fromEntries(last.filter(([n, i]) => keep(pick(commits[i] as ModelCommit)[n] as T)))
  }
  return {
    files: newest(
      c => c.files,
      what => what !== 'remove',
    ),
    txns: newest(
      c => c.txns,
      () => true,
    ),
    domains: newest(
      c => c.domains,
      configuration => configuration !== null,
    ),
  }
}

test('replay of any history, at once or step by step, equals a naive model at every version', async () => {
  await fc.assert(
    fc.asyncProperty(history, fc.nat(40), async (commits, middle) => {
      const store = memoryStore()
      for (const [i, commit] of commits.entries()) {
        await store.put(commitPath('t', BigInt(i)), new TextEncoder().encode(lines(commit, i)))
      }
      const stop = middle % commits.length
      const early = await readSnapshot({ store }, { tablePath: 't', version: BigInt(stop) })
      const latest = await readSnapshot({ store }, { tablePath: 't' })
      if (!early || !latest) throw new Error('the table was not found')
      const refreshed = await refreshSnapshot({ store }, early)
      for (const [snapshot, upTo] of [
        [early, stop],
        [latest, commits.length - 1],
        [refreshed, commits.length - 1],
      ] as const) {
        const seen = commits.slice(0, upTo + 1)
        const expected = model(seen)
        expect(snapshot.version).toBe(BigInt(upTo))
        // An add's size is the version that wrote it.
        expect(Object.fromEntries([...snapshot.files].map(([p, f]) => [p, Number(f.size)]))).toEqual(expected.files)
        const at = (names: Iterable<string>, pick: (c: ModelCommit) => object): object =>
          Object.fromEntries([...names].map(n => [n, seen.findLastIndex(c => Object.hasOwn(pick(c), n))]))
        expect(at(snapshot.txns.keys(), c => c.txns)).toEqual(expected.txns)
        expect(at(snapshot.domains.keys(), c => c.domains)).toEqual(expected.domains)
        for (const [appId, version] of snapshot.txns) {
          expect(version).toBe(BigInt(seen.findLast(c => Object.hasOwn(c.txns, appId))?.txns[appId] ?? -1))
        }
        for (const [domain, configuration] of snapshot.domains) {
          expect(configuration).toBe(seen.findLast(c => Object.hasOwn(c.domains, domain))?.domains[domain])
        }
      }
    }),
    { numRuns: 60 },
  )
})
