/**
 * Raising a protocol: the lowest one that has the wanted features and everything the table had before.
 */
import type { Protocol } from '../log/actions.ts'
import { FEATURES, featuresOf, findFeature } from './features.ts'

/** What every table here begins with: readable everywhere, append-only and invariants respected. */
export const PLAIN_PROTOCOL: Protocol = { minReaderVersion: 1, minWriterVersion: 2 }

/**
 * The protocol with these features too; the same value when it has them. Versions are raised where they suffice, as
 * every reader knows them; otherwise features are listed, along with all that the old versions implied, since the
 * table's history may have used them. Features nobody here knows are the caller's to refuse beforehand.
 */
export function raiseProtocol(protocol: Protocol, wanted: Iterable<string>): Protocol {
  const had = featuresOf(protocol)
  const names = withRequired(wanted)
  const added = [...names].filter(name => !had.has(name))
  if (added.length === 0) return protocol
  const versions = added.flatMap(name => findFeature(name)?.legacy ?? [])
  if (protocol.minWriterVersion < 7 && versions.length === added.length) return withVersions(protocol, versions)
  return withLists(protocol, [...had, ...added])
}

/** The features, and those they require, in the order of the table of features. */
function withRequired(wanted: Iterable<string>): ReadonlySet<string> {
  const names = new Set(wanted)
  // A set visits what is added while it is walked.
  for (const name of names) for (const required of findFeature(name)?.requires ?? []) names.add(required)
  const known = FEATURES.map(f => f.name).filter(name => names.has(name))
  return new Set([...known, ...names])
}

function withVersions(protocol: Protocol, versions: readonly { reader: number; writer: number }[]): Protocol {
  return {
    minReaderVersion: Math.max(protocol.minReaderVersion, ...versions.map(v => v.reader)),
    minWriterVersion: Math.max(protocol.minWriterVersion, ...versions.map(v => v.writer)),
  }
}

function withLists(protocol: Protocol, writerFeatures: readonly string[]): Protocol {
  const { minReaderVersion, readerFeatures = [] } = protocol
  const forReaders = writerFeatures.filter(name => findFeature(name)?.reader === true || readerFeatures.includes(name))
  // Column mapping alone has a reader version of its own, which more readers know than feature lists.
  if (minReaderVersion === 3 || forReaders.some(name => name !== 'columnMapping')) {
    return { minReaderVersion: 3, minWriterVersion: 7, readerFeatures: forReaders, writerFeatures }
  }
  return { minReaderVersion: forReaders.length === 0 ? minReaderVersion : 2, minWriterVersion: 7, writerFeatures }
}
