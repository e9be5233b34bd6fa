import { expect, test } from 'vitest'
import type { MetaData, Protocol } from '../log/actions.ts'
import { field, type StructType } from '../schema/schema.ts'
import { checkReadable, checkRemovable, checkWritable } from './protocol.ts'

const schema: StructType = { type: 'struct', fields: [field('id', 'long')] }

function metaData(configuration: Record<string, string> = {}): MetaData {
  const format = { provider: 'parquet', options: {} }
  return { id: 'x', format, schemaString: '', partitionColumns: [], configuration }
}

function protocol(minReaderVersion: number, minWriterVersion: number, features?: string[]): Protocol {
  return {
    minReaderVersion,
    minWriterVersion,
    ...(minReaderVersion === 3 && features ? { readerFeatures: features } : {}),
    ...(minWriterVersion === 7 && features ? { writerFeatures: features } : {}),
  }
}

test.each([
  protocol(1, 2),
  protocol(2, 5),
  protocol(1, 7, ['domainMetadata', 'somethingForWriters']),
  protocol(2, 7, ['columnMapping']),
  protocol(3, 7, ['timestampNtz', 'vacuumProtocolCheck', 'v2Checkpoint']),
  protocol(3, 7, ['columnMapping', 'deletionVectors', 'typeWidening']),
])('%j can be read', p => {
  expect(() => checkReadable('t', p, metaData())).not.toThrow()
})

test.each(['variantType', 'catalogManaged', 'notInventedYet'])('the reader feature %s is refused by name', feature => {
  expect(() => checkReadable('t', protocol(3, 7, ['timestampNtz', feature]), metaData())).toThrow(
    expect.objectContaining({ code: 'FEATURE_UNSUPPORTED', details: { tablePath: 't', features: [feature] } }),
  )
})

test('protocols that contradict themselves or come from the future are refused', () => {
  for (const p of [protocol(4, 7), protocol(0, 2), protocol(3, 7), protocol(3, 5, ['timestampNtz'])]) {
    expect(() => checkReadable('t', p, metaData())).toThrow(expect.objectContaining({ code: 'FEATURE_UNSUPPORTED' }))
  }
  expect(() => checkWritable('t', protocol(1, 8), metaData(), schema)).toThrow(/writer version 8/)
})

test.each(['icebergCompatV2', 'allowColumnDefaults', 'notInventedYet'])(
  'the writer feature %s is refused by name',
  feature => {
    expect(() => checkWritable('t', protocol(1, 7, ['appendOnly', feature]), metaData(), schema)).toThrow(feature)
  },
)

test.each([
  ['delta.setTransactionRetentionDuration', 'interval 30 days'],
  ['delta.feature.rowTracking', 'supported'],
  ['delta.enableIcebergCompatV2', 'true'],
])('a table with %s=%s is not written', (key, value) => {
  expect(() => checkWritable('t', protocol(1, 6), metaData({ [key]: value }), schema)).toThrow(
    expect.objectContaining({ code: 'WRITE_REFUSED' }),
  )
})

test.each(['delta.identity.start', 'CURRENT_DEFAULT'])(
  'a table with a column that has %s is not written, however deep the column',
  key => {
    const inner = field('x', 'long', { metadata: { [key]: '1' } })
    const nested = field('a', { type: 'array', elementType: { type: 'struct', fields: [inner] }, containsNull: true })
    const deep: StructType = { type: 'struct', fields: [nested] }
    expect(() => checkWritable('t', protocol(1, 6), metaData(), deep)).toThrow(/column a\.element\.x/)
  },
)

test('settings that ask nothing of a writer are fine', () => {
  const settings = { 'delta.enableChangeDataFeed': 'false', 'delta.logRetentionDuration': 'interval 1 day', mine: 'x' }
  for (const p of [protocol(1, 2), protocol(1, 6), protocol(1, 7, ['appendOnly', 'checkConstraints'])]) {
    expect(() => checkWritable('t', p, metaData(settings), schema)).not.toThrow()
  }
})

test('a kind of pages that nobody knows is refused by its name', () => {
  const write = (version: string) => () =>
    checkWritable('t', protocol(1, 2), metaData({ 'delta.parquet.format.version': version }), schema)
  for (const version of ['1.0.0', '2.12.0']) expect(write(version)).not.toThrow()
  for (const version of ['3.0.0', '2', '']) expect(write(version)).toThrow(/delta\.parquet\.format\.version/)
})

test('an append-only table lets nothing be removed', () => {
  expect(() => checkRemovable('t', metaData({ 'delta.appendOnly': 'true' }))).toThrow(/appendOnly/)
  expect(() => checkRemovable('t', metaData({ 'delta.appendOnly': 'false' }))).not.toThrow()
})
