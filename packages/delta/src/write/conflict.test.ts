import { describe, expect, test } from 'vitest'
import { memoryStore } from '../../test/support/memory-store.ts'
import { dataFile, ROW_SCHEMA, testPorts } from '../../test/support/rows.ts'
import type { Commit, DataFile } from '../log/actions.ts'
import { parseCommit } from '../log/parse-commit.ts'
import { printCommit } from '../log/print-commit.ts'
import type { Snapshot } from '../snapshot/snapshot.ts'
import { compare, expression, type Predicate } from '../stats/predicate.ts'
import { commit } from './commit.ts'
import { commitInfoOf } from './commit-info.ts'
import { type ConflictRule, findConflict } from './conflict.ts'
import type { Reads } from './reads.ts'
import { stageAppend, stageCreate, stageMetadata, stageOverwrite, stageRemoveAndAdd } from './stage.ts'
import type { Staged } from './staged.ts'

/** Versions are committed to a store of their own, so that what is judged is what a reader of the log would see. */
async function makeTable(
  configuration: Record<string, string> = {},
  partitionColumns: string[] = [],
): Promise<Snapshot> {
  const partitionValues = Object.fromEntries(partitionColumns.map(column => [column, 'x']))
  const files = ['a', 'b', 'c'].map(name => ({ ...dataFile(name, []), partitionValues }))
  const domains = [{ domain: 'mine', configuration: '1' }]
  const info = { operation: 'CREATE TABLE' }
  const created = stageCreate({
    tablePath: 't',
    schema: ROW_SCHEMA,
    files,
    partitionColumns,
    configuration,
    domains,
    info,
  })
  const result = await commit(testPorts(memoryStore()), created)
  if (result.kind === 'conflict') throw new Error(result.reason)
  return result.snapshot
}

type Change = (base: Snapshot) => Staged

const append =
  (reads: Reads, more: { txn?: string; domain?: string } = {}, name = 'new'): Change =>
  base =>
    stageAppend(base, {
      files: [dataFile(name, [])],
      reads,
      ...(more.txn === undefined ? {} : { txn: [{ appId: more.txn, version: 1n }] }),
      ...(more.domain === undefined ? {} : { domains: [{ domain: more.domain, configuration: '2' }] }),
      info: { operation: 'WRITE' },
    })

const rewrite =
  (operation: string, remove: string[], add: string[], reads: Reads, dataChange = true): Change =>
  base => {
    const files = add.map(name => dataFile(name, []))
    return stageRemoveAndAdd(base, { remove, files, dataChange, reads, info: { operation } })
  }

const files = (...names: string[]): Reads => ({ kind: 'files', files: names })
const none: Reads = { kind: 'none' }
const table: Reads = { kind: 'table' }

const winners: Record<string, Change> = {
  'blind append': append(none, {}, 'theirs'),
  'append that read': append(files('a'), {}, 'theirs'),
  'delete of a': rewrite('DELETE', ['a'], [], files('a')),
  'update of a': rewrite('UPDATE', ['a'], ['a2'], files('a')),
  'update of c': rewrite('UPDATE', ['c'], ['c2'], files('c')),
  'compaction of a': rewrite('OPTIMIZE', ['a'], ['a2'], files('a'), false),
  'compaction of b and c': rewrite('OPTIMIZE', ['b', 'c'], ['bc'], files('b', 'c'), false),
  'append of app x': append(none, { txn: 'x' }, 'theirs'),
  'domain mine': append(none, { domain: 'mine' }, 'theirs'),
  'new setting': base => stageMetadata(base, { configuration: { k: 'v' }, info: { operation: 'SET TBLPROPERTIES' } }),
}

type Row = Partial<Record<keyof typeof winners, ConflictRule>>

/** In the way of a change that read file `a` of a Serializable table, whether or not it found anything there. */
const readA: Row = {
  'blind append': 'ConcurrentAppend',
  'append that read': 'ConcurrentAppend',
  'append of app x': 'ConcurrentAppend',
  'domain mine': 'ConcurrentAppend',
  'delete of a': 'ConcurrentDeleteRead',
  'update of a': 'ConcurrentAppend',
  'update of c': 'ConcurrentAppend',
  'compaction of a': 'ConcurrentDeleteRead',
  'new setting': 'MetadataChanged',
}

/** For each of our changes, the winners that stand in its way; every winner that is not named may come before. */
const inTheWay: Record<string, { ours: Change; isolation?: string; conflicts: Row }> = {
  'strict append': {
    ours: append({ kind: 'strict' }),
    conflicts: Object.fromEntries(Object.keys(winners).map(name => [name, 'NothingBetween' as const])),
  },
  'blind append': { ours: append(none), conflicts: { 'new setting': 'MetadataChanged' } },
  'append of app x': {
    ours: append(none, { txn: 'x' }),
    conflicts: { 'append of app x': 'ConcurrentTransaction', 'new setting': 'MetadataChanged' },
  },
  'append that looked up app x': {
    ours: append({ kind: 'none', appIds: ['x'] }),
    conflicts: { 'append of app x': 'ConcurrentTransaction', 'new setting': 'MetadataChanged' },
  },
  'append with domain mine': {
    ours: append(none, { domain: 'mine' }),
    conflicts: { 'domain mine': 'ConcurrentTransaction', 'new setting': 'MetadataChanged' },
  },
  'update of a': {
    ours: rewrite('UPDATE', ['a'], ['a1'], files('a', 'b')),
    conflicts: {
      'append that read': 'ConcurrentAppend',
      'delete of a': 'ConcurrentDeleteRead',
      'update of a': 'ConcurrentAppend',
      'update of c': 'ConcurrentAppend',
      'compaction of a': 'ConcurrentDeleteRead',
      'compaction of b and c': 'ConcurrentDeleteRead',
      'new setting': 'MetadataChanged',
    },
  },
  'update of a, serializable': {
    ours: rewrite('UPDATE', ['a'], ['a1'], files('a')),
    isolation: 'Serializable',
    conflicts: readA,
  },
  'merge that found nothing, serializable': {
    ours: rewrite('MERGE', [], [], files('a')),
    isolation: 'Serializable',
    conflicts: readA,
  },
  'removal of a, unread': {
    ours: rewrite('DELETE', ['a'], [], none),
    conflicts: {
      'delete of a': 'ConcurrentDeleteDelete',
      'update of a': 'ConcurrentDeleteDelete',
      'compaction of a': 'ConcurrentDeleteDelete',
      'new setting': 'MetadataChanged',
    },
  },
  overwrite: {
    ours: base => stageOverwrite(base, { files: [dataFile('new', [])], reads: table, info: { operation: 'WRITE' } }),
    conflicts: {
      'append that read': 'ConcurrentAppend',
      'delete of a': 'ConcurrentDeleteRead',
      'update of a': 'ConcurrentAppend',
      'update of c': 'ConcurrentAppend',
      'compaction of a': 'ConcurrentDeleteRead',
      'compaction of b and c': 'ConcurrentDeleteRead',
      'new setting': 'MetadataChanged',
    },
  },
  compaction: {
    ours: rewrite('OPTIMIZE', ['a', 'b'], ['ab'], files('a', 'b'), false),
    conflicts: {
      'delete of a': 'ConcurrentDeleteRead',
      'update of a': 'ConcurrentDeleteRead',
      'compaction of a': 'ConcurrentDeleteRead',
      'compaction of b and c': 'ConcurrentDeleteRead',
      'new setting': 'MetadataChanged',
    },
  },
  'compaction, serializable': {
    ours: rewrite('OPTIMIZE', ['a', 'b'], ['ab'], files('a', 'b'), false),
    isolation: 'Serializable',
    conflicts: {
      'delete of a': 'ConcurrentDeleteRead',
      'update of a': 'ConcurrentDeleteRead',
      'compaction of a': 'ConcurrentDeleteRead',
      'compaction of b and c': 'ConcurrentDeleteRead',
      'new setting': 'MetadataChanged',
    },
  },
  'new column after a look at all rows': {
    ours: base => stageMetadata(base, { configuration: { a: 'b' }, reads: table, info: { operation: 'ADD COLUMNS' } }),
    conflicts: {
      'blind append': 'ConcurrentAppend',
      'append that read': 'ConcurrentAppend',
      'append of app x': 'ConcurrentAppend',
      'domain mine': 'ConcurrentAppend',
      'delete of a': 'ConcurrentDeleteRead',
      'update of a': 'ConcurrentAppend',
      'update of c': 'ConcurrentAppend',
      'compaction of a': 'ConcurrentDeleteRead',
      'compaction of b and c': 'ConcurrentDeleteRead',
      'new setting': 'MetadataChanged',
    },
  },
}

describe.each(Object.entries(inTheWay))('%s', (_name, { ours, isolation, conflicts }) => {
  test.each(Object.keys(winners))('after %s', async winner => {
    const base = await makeTable(isolation === undefined ? {} : { 'delta.isolationLevel': isolation })
    expect(findConflict(ours(base), commitOf(winners[winner]!(base)))?.rule).toBe(conflicts[winner])
  })
})

/** A staged change as the commit that others read. */
function commitOf(staged: Staged): Commit {
  const commitInfo = commitInfoOf(staged, { txnId: 'theirs', timestamp: 1 })
  return parseCommit(1n, printCommit(staged, { commitInfo, tableId: '', timestamp: 1 }))
}

function commitFrom(...actions: object[]): Commit {
  const text = actions.map(action => JSON.stringify(action)).join('\n')
  return parseCommit(1n, new TextEncoder().encode(text))
}

const protocol = (...writerFeatures: string[]): object => ({
  protocol: { minReaderVersion: 1, minWriterVersion: 7, writerFeatures },
})
const had = ['appendOnly', 'invariants', 'domainMetadata']

test.each([
  ['adds a feature that asks nothing of new files', protocol(...had, 'changeDataFeed'), undefined],
  ['adds a feature that asks something of every file', protocol(...had, 'checkConstraints'), /checkConstraints/],
  ['adds a feature nobody knows', protocol(...had, 'shiny'), /shiny/],
  ['gives the table to a catalog', protocol(...had, 'catalogManaged'), /catalogManaged/],
  ['takes a feature away', protocol('appendOnly', 'domainMetadata'), /invariants/],
])('a winner that %s', async (_what, action, reason) => {
  const staged = append(none)(await makeTable())
  const conflict = findConflict(staged, commitFrom(action))
  if (reason === undefined) expect(conflict).toBeUndefined()
  else expect(conflict).toEqual({ rule: 'ProtocolChanged', reason: expect.stringMatching(reason) })
})

test('of two commits that change the protocol the second has to look again', async () => {
  const base = await makeTable()
  const staged = { ...append(none)(base), protocol: base.protocol }
  expect(findConflict(staged, commitFrom(protocol(...had, 'changeDataFeed')))?.rule).toBe('ProtocolChanged')
})

test('the first rule in order is the one that is told, with the file, application or domain it is about', async () => {
  const base = await makeTable()
  const ours = rewrite('UPDATE', ['a'], ['a1'], files('a', 'b'))(base)
  expect(findConflict(ours, commitOf(winners['update of a']!(base)))?.reason).toContain('a2')
  expect(findConflict(ours, commitOf(winners['delete of a']!(base)))?.reason).toContain('a was read')
  const both = append(none, { txn: 'x', domain: 'mine' })(base)
  expect(findConflict(both, commitOf(winners['domain mine']!(base)))?.reason).toContain('mine')
  expect(findConflict(both, commitOf(winners['append of app x']!(base)))?.reason).toContain('application x')
})

test('a file that is added again by a winner is not what we read', async () => {
  const base = await makeTable()
  const add = { path: 'a', partitionValues: {}, size: 1, modificationTime: 1, dataChange: false, baseRowId: 7 }
  const winner = commitFrom({ add })
  const ruleOf = (change: Change): ConflictRule | undefined => findConflict(change(base), winner)?.rule
  expect(ruleOf(rewrite('UPDATE', ['a'], ['a1'], files('a')))).toBe('ConcurrentDeleteRead')
  expect(ruleOf(rewrite('DELETE', ['a'], [], none))).toBe('ConcurrentDeleteDelete')
  expect(ruleOf(rewrite('UPDATE', ['b'], ['b1'], files('b')))).toBeUndefined()
})

test('new rows stand in the way only where they may be what was looked for', async () => {
  const partitioned = await makeTable({}, ['name'])
  const plain = await makeTable()
  const judge = (base: Snapshot, predicate: Predicate<never>, added: DataFile): ConflictRule | undefined => {
    const reads: Reads = { kind: 'files', files: [], predicate }
    const ours = stageAppend(base, { files: [], reads, info: { operation: 'MERGE' } })
    const theirs = stageAppend(base, { files: [added], reads: table, info: { operation: 'MERGE' } })
    return findConflict(ours, commitOf(theirs))?.rule
  }
  const inPartition = (name: string): DataFile => ({ ...dataFile('new', []), partitionValues: { name } })
  expect(judge(partitioned, compare('name', '=', 'x'), inPartition('x'))).toBe('ConcurrentAppend')
  expect(judge(partitioned, compare('name', '=', 'x'), inPartition('y'))).toBeUndefined()
  const tenToTwenty = dataFile(
    'new',
    [10, 20].map(id => ({ id, name: '' })),
  )
  expect(judge(plain, compare('id', '=', '15'), tenToTwenty)).toBe('ConcurrentAppend')
  expect(judge(plain, compare('id', '>', '20'), tenToTwenty)).toBeUndefined()
  expect(judge(plain, expression(undefined as never), tenToTwenty)).toBe('ConcurrentAppend')
  expect(() => judge(plain, compare('nowhere', '=', '1'), tenToTwenty)).toThrow(/nowhere/)
})

test('two commits of one new file do not both happen', async () => {
  const base = await makeTable()
  const again = append(none, {}, 'theirs')(base)
  expect(findConflict(again, commitOf(winners['blind append']!(base)))?.rule).toBe('ConcurrentDeleteDelete')
})

test("row ids are handed out anew, so their domain stands in nobody's way", async () => {
  const base = await makeTable()
  const domain = { domain: 'delta.rowTracking', configuration: '{"rowIdHighWaterMark":5}', removed: false }
  const staged = { ...append(none)(base), domains: [domain] }
  expect(findConflict(staged, commitFrom({ domainMetadata: domain }))).toBeUndefined()
})
