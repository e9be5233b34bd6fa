import { describe, expect, test } from 'vitest'
import type { Protocol } from '../log/actions.ts'
import { FEATURES, featuresOf } from './features.ts'
import { PLAIN_PROTOCOL, raiseProtocol } from './raise-protocol.ts'

const versions = (minReaderVersion: number, minWriterVersion: number): Protocol => ({
  minReaderVersion,
  minWriterVersion,
})

test('versions before feature lists imply the features that came with them', () => {
  const implied = (reader: number, writer: number): string[] => [...featuresOf(versions(reader, writer))]
  expect(implied(1, 1)).toEqual([])
  expect(implied(1, 2)).toEqual(['appendOnly', 'invariants'])
  expect(implied(1, 3)).toEqual(['appendOnly', 'invariants', 'checkConstraints'])
  const four = ['appendOnly', 'invariants', 'checkConstraints', 'changeDataFeed', 'generatedColumns']
  expect(implied(1, 4)).toEqual(four)
  expect(implied(1, 5)).toEqual(four)
  expect(implied(2, 5)).toEqual([...four, 'columnMapping'])
  expect(implied(2, 6)).toEqual([...four, 'columnMapping', 'identityColumns'])
  expect(implied(1, 7)).toEqual([])
})

test('every name stands once, and what a feature requires is known', () => {
  const names = FEATURES.map(f => f.name)
  expect(new Set(names).size).toBe(names.length)
  for (const { requires = [] } of FEATURES) for (const name of requires) expect(names).toContain(name)
})

describe('a protocol is raised only as far as it must be', () => {
  test('to a version that every reader knows, where that suffices', () => {
    expect(raiseProtocol(PLAIN_PROTOCOL, [])).toBe(PLAIN_PROTOCOL)
    expect(raiseProtocol(PLAIN_PROTOCOL, ['appendOnly'])).toBe(PLAIN_PROTOCOL)
    expect(raiseProtocol(PLAIN_PROTOCOL, ['checkConstraints'])).toEqual(versions(1, 3))
    expect(raiseProtocol(PLAIN_PROTOCOL, ['changeDataFeed'])).toEqual(versions(1, 4))
    expect(raiseProtocol(PLAIN_PROTOCOL, ['columnMapping'])).toEqual(versions(2, 5))
    expect(raiseProtocol(versions(1, 4), ['columnMapping', 'appendOnly'])).toEqual(versions(2, 5))
  })

  test('to a list for writers alone, with all that the versions implied and what is required', () => {
    expect(raiseProtocol(PLAIN_PROTOCOL, ['rowTracking'])).toEqual({
      ...versions(1, 7),
      writerFeatures: ['appendOnly', 'invariants', 'domainMetadata', 'rowTracking'],
    })
    const raised = raiseProtocol(versions(2, 5), ['domainMetadata'])
    expect(raised).toMatchObject(versions(2, 7))
    expect(raised).not.toHaveProperty('readerFeatures')
    expect(new Set(raised.writerFeatures)).toEqual(new Set([...featuresOf(versions(2, 5)), 'domainMetadata']))
  })

  test('to lists for both, with each reader feature in both of them', () => {
    expect(raiseProtocol(versions(2, 5), ['deletionVectors', 'timestampNtz'])).toMatchObject({
      ...versions(3, 7),
      readerFeatures: ['columnMapping', 'timestampNtz', 'deletionVectors'],
    })
    const writerList: Protocol = { ...versions(1, 7), writerFeatures: ['domainMetadata'] }
    expect(raiseProtocol(writerList, ['columnMapping'])).toEqual({
      ...versions(2, 7),
      writerFeatures: ['domainMetadata', 'columnMapping'],
    })
    const lists: Protocol = { ...versions(3, 7), readerFeatures: [], writerFeatures: ['appendOnly'] }
    expect(raiseProtocol(lists, ['changeDataFeed'])).toEqual({
      ...versions(3, 7),
      readerFeatures: [],
      writerFeatures: ['appendOnly', 'changeDataFeed'],
    })
  })

  test('and nothing the table had is lost, whatever is added in whatever order', () => {
    const names = FEATURES.map(f => f.name)
    for (const first of names) {
      for (const second of names) {
        for (const start of [PLAIN_PROTOCOL, versions(1, 4), versions(2, 6)]) {
          const raised = raiseProtocol(raiseProtocol(start, [first]), [second])
          expect([...featuresOf(raised)]).toEqual(expect.arrayContaining([...featuresOf(start), first, second]))
          for (const name of raised.readerFeatures ?? []) expect(raised.writerFeatures).toContain(name)
          if (raised.minReaderVersion === 3) expect(raised.minWriterVersion).toBe(7)
        }
      }
    }
  })
})
