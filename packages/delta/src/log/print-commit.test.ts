import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Staged } from '../write/staged.ts'
import type { AddFile, DataFile, DeletionVectorDescriptor, RowTracking } from './actions.ts'
import { encodeDataPath } from './data-path.ts'
import { parseCommit } from './parse-commit.ts'
import { printCommit } from './print-commit.ts'

const text = fc.string({ unit: 'grapheme' }).filter(s => s.isWellFormed())
const path = fc
  .array(
    text.filter(s => !/^\.{0,2}$|[/\0]/.test(s)),
    { minLength: 1, maxLength: 3 },
  )
  .map(segments => segments.join('/'))
const long = fc.bigInt(0n, 2n ** 63n - 1n)
const whole = fc.nat()
const texts = fc.dictionary(text, text, { noNullPrototype: true })
const partitionValues = fc.dictionary(
  text,
  fc.option(
    text.filter(s => s !== ''),
    { nil: null },
  ),
  { noNullPrototype: true },
)

const onDisk = fc.record<DeletionVectorDescriptor>({
  storageType: fc.constantFrom('u', 'p'),
  pathOrInlineDv: text,
  offset: whole,
  sizeInBytes: whole,
  cardinality: long,
})
const inline = fc.record<DeletionVectorDescriptor>({
  storageType: fc.constant('i'),
  pathOrInlineDv: text,
  sizeInBytes: whole,
  cardinality: long,
})
const deletionVector = fc.oneof(onDisk, inline)
const details = fc.record(
  { tags: texts, deletionVector, baseRowId: long, defaultRowCommitVersion: long },
  { requiredKeys: [] },
)

type Details = RowTracking & Pick<AddFile, 'tags' | 'deletionVector'>

const dataFile = fc
  .tuple(
    fc.record({ path, size: long, modificationTime: whole, stats: text, partitionValues, numRecords: long }),
    details as fc.Arbitrary<Details>,
    fc.record({ clusteringProvider: text }, { requiredKeys: [] }) as fc.Arbitrary<{ clusteringProvider?: string }>,
  )
  .map(([file, more, provider]): DataFile => ({ ...file, ...more, ...provider }))

const staged = fc.record({
  tablePath: fc.constant('t'),
  base: fc.constant(undefined),
  protocol: fc.constantFrom(undefined, {
    minReaderVersion: 3,
    minWriterVersion: 7,
    readerFeatures: ['x'],
    writerFeatures: ['x'],
  }),
  metaData: fc.option(
    fc.record({
      id: text,
      name: text,
      format: fc.constant({ provider: 'parquet', options: {} }),
      schemaString: text,
      partitionColumns: fc.array(text),
      configuration: texts,
      createdTime: whole,
    }),
    { nil: undefined },
  ),
  add: fc.array(dataFile, { maxLength: 4 }),
  remove: fc.array(dataFile, { maxLength: 4 }).map(files => files.map(asAdded)),
  cdc: fc.array(dataFile, { maxLength: 2 }),
  dataChange: fc.boolean(),
  txn: fc.array(fc.record({ appId: text, version: long }), { maxLength: 2 }),
  domains: fc.array(fc.record({ domain: text, configuration: text, removed: fc.boolean() }), { maxLength: 2 }),
  reads: fc.constant({ kind: 'strict' as const }),
  info: fc.constant({ operation: 'WRITE' }),
})

function asAdded({ numRecords: _rows, ...file }: DataFile): AddFile {
  return { ...file, uri: encodeDataPath(file.path), dataChange: true }
}

test('what is printed is what is parsed: every field of every action, digit by digit', () => {
  fc.assert(
    fc.property(staged, change => {
      const attempt = { commitInfo: {}, tableId: 'y', timestamp: 5 }
      const { actions } = parseCommit(1n, printCommit(change satisfies Staged, attempt))
      const of = <K extends (typeof actions)[number]['kind']>(kind: K): unknown[] =>
        actions.flatMap(action => (action.kind === kind ? [(action as unknown as Record<K, unknown>)[kind]] : []))
      const { dataChange } = change
      expect(of('protocol')).toEqual(change.protocol ? [change.protocol] : [])
      expect(of('metaData')).toEqual(change.metaData ? [change.metaData] : [])
      expect(of('txn')).toEqual(change.txn.map(txn => ({ ...txn, lastUpdated: 5 })))
      expect(of('domainMetadata')).toEqual(change.domains)
      expect(of('add')).toEqual(change.add.map(file => ({ ...asAdded(file), dataChange })))
      expect(of('remove')).toEqual(
        change.remove.map(({ modificationTime: _time, stats: _stats, clusteringProvider: _provider, ...file }) => {
          return { ...file, dataChange, deletionTimestamp: 5 }
        }),
      )
      expect(of('cdc')).toEqual(
        change.cdc.map(({ path: name, size, tags, partitionValues: values }) => {
          const common = { path: name, uri: encodeDataPath(name), size, partitionValues: values }
          return tags === undefined ? common : { ...common, tags }
        }),
      )
    }),
  )
})

test('a file that is in the table already keeps the spelling of its path', () => {
  const file = { path: 's3://b/a b', uri: 's3://b/a%20b', size: 1n, modificationTime: 0, stats: '{}', numRecords: 0n }
  const change: Staged = {
    tablePath: 't',
    base: undefined,
    protocol: undefined,
    metaData: undefined,
    add: [{ ...file, partitionValues: {} }],
    remove: [],
    cdc: [],
    dataChange: true,
    txn: [],
    domains: [],
    reads: { kind: 'strict' },
    info: { operation: 'WRITE' },
  }
  const bytes = printCommit(change, { commitInfo: {}, tableId: 'y', timestamp: 5 })
  expect(new TextDecoder().decode(bytes)).toContain('"path":"s3://b/a%20b"')
})
