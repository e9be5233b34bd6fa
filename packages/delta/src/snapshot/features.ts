/**
 * The features of the Delta protocol, one entry each: what makes a table use one, and what this package does about it
 * when reading and when writing. Everything that asks about features asks this table; what is not in it is refused.
 */
import type { Protocol } from '../log/actions.ts'

/**
 * `honoured`: its rules are kept. `refused`: the table is not touched. `refused in use`: the table is touched as long
 * as nothing in its settings or schema makes use of the feature.
 */
export type Support = 'honoured' | 'refused' | 'refused in use'

/** What in a table's settings or schema makes it use a feature that its protocol names. */
export type Use =
  /** A setting; without `values`, `true` is the value that counts. */
  | { readonly setting: string; readonly values?: readonly string[] }
  | { readonly settingPrefix: string }
  /** Metadata of any column, however deep, whose key begins so. */
  | { readonly columnKey: string }
  | { readonly type: string }

export interface Feature {
  readonly name: string
  /** Whether readers must know it too; then it stands in both lists of the protocol. */
  readonly reader: boolean
  /** The first protocol versions, before feature lists, that imply it. */
  readonly legacy?: { readonly reader: number; readonly writer: number }
  readonly requires?: readonly string[]
  readonly use?: Use
  readonly read: Support
  readonly write: Support
  /** Adding it to a table asks nothing of files that another writer is just writing. */
  readonly harmless: boolean
  /** What is done, or why it is refused. */
  readonly note: string
}

const writer = { reader: false, read: 'honoured' } as const
const both = { reader: true } as const

export const FEATURES: readonly Feature[] = [
  {
    ...writer,
    name: 'appendOnly',
    legacy: { reader: 1, writer: 2 },
    use: { setting: 'delta.appendOnly' },
    write: 'honoured',
    harmless: true,
    note: 'rows may be added and moved, not removed or replaced',
  },
  {
    ...writer,
    name: 'invariants',
    legacy: { reader: 1, writer: 2 },
    use: { columnKey: 'delta.invariants' },
    write: 'honoured',
    harmless: false,
    note: "the engine's checker judges every new row; what it does not know is refused",
  },
  {
    ...writer,
    name: 'checkConstraints',
    legacy: { reader: 1, writer: 3 },
    use: { settingPrefix: 'delta.constraints.' },
    write: 'honoured',
    harmless: false,
    note: "the engine's checker judges every new row; what it does not know is refused",
  },
  {
    ...writer,
    name: 'changeDataFeed',
    legacy: { reader: 1, writer: 4 },
    use: { setting: 'delta.enableChangeDataFeed' },
    write: 'honoured',
    harmless: true,
    note: 'a change that copies rows is committed with files of the changed ones, or refused',
  },
  {
    ...writer,
    name: 'generatedColumns',
    legacy: { reader: 1, writer: 4 },
    use: { columnKey: 'delta.generationExpression' },
    write: 'honoured',
    harmless: false,
    note: "the engine's checker compares every new value; values are for the caller to make",
  },
  {
    ...both,
    name: 'columnMapping',
    legacy: { reader: 2, writer: 5 },
    use: { setting: 'delta.columnMapping.mode', values: ['name', 'id'] },
    read: 'honoured',
    write: 'honoured',
    harmless: true,
    note: 'columns are read and written by physical name and id, nested ones too, and may be renamed and dropped',
  },
  {
    ...writer,
    name: 'identityColumns',
    legacy: { reader: 1, writer: 6 },
    use: { columnKey: 'delta.identity.' },
    write: 'refused in use',
    harmless: false,
    note: 'no values are generated',
  },
  {
    ...writer,
    name: 'domainMetadata',
    write: 'honoured',
    harmless: true,
    note: 'domains travel with the data; unknown ones are kept, those of `delta.` are not for callers to set',
  },
  {
    ...both,
    name: 'timestampNtz',
    use: { type: 'timestamp_ntz' },
    read: 'honoured',
    write: 'honoured',
    harmless: true,
    note: 'never chosen by itself, since some readers lack it',
  },
  {
    ...both,
    name: 'deletionVectors',
    use: { setting: 'delta.enableDeletionVectors' },
    read: 'honoured',
    write: 'honoured',
    harmless: true,
    note: 'deleted rows are left out, and marked where that is cheaper than to rewrite their file',
  },
  {
    ...both,
    name: 'v2Checkpoint',
    use: { setting: 'delta.checkpointPolicy', values: ['v2'] },
    read: 'honoured',
    write: 'honoured',
    harmless: true,
    note: 'with the policy `v2` a checkpoint lists its files in sidecars',
  },
  {
    ...both,
    name: 'vacuumProtocolCheck',
    read: 'honoured',
    write: 'honoured',
    harmless: true,
    note: 'both protocols are checked before any file is removed',
  },
  {
    ...both,
    name: 'typeWidening',
    use: { setting: 'delta.enableTypeWidening' },
    read: 'honoured',
    write: 'honoured',
    harmless: true,
    note: 'types grow with the input, or when asked to; older files are read as the wider type',
  },
  {
    ...both,
    name: 'typeWidening-preview',
    read: 'honoured',
    write: 'refused',
    harmless: false,
    note: 'an early form of typeWidening, which Delta no longer gives to tables',
  },
  {
    ...writer,
    name: 'inCommitTimestamp',
    use: { setting: 'delta.enableInCommitTimestamps' },
    write: 'honoured',
    harmless: true,
    note: 'each commit carries a time later than the one before',
  },
  {
    ...writer,
    name: 'rowTracking',
    requires: ['domainMetadata'],
    use: { setting: 'delta.enableRowTracking' },
    write: 'honoured',
    harmless: true,
    note: 'new files get row ids; ids of rows that are moved are not carried over, and the commit says so',
  },
  {
    ...writer,
    name: 'clustering',
    requires: ['domainMetadata'],
    write: 'honoured',
    harmless: false,
    note: "files must have statistics of the clustering columns; the order of rows is the writer's",
  },
  {
    ...writer,
    name: 'allowColumnDefaults',
    use: { columnKey: 'CURRENT_DEFAULT' },
    write: 'refused',
    harmless: false,
    note: 'default values are Spark SQL and are not filled in',
  },
  ...['icebergCompatV1', 'icebergCompatV2', 'icebergCompatV3'].map(
    (name): Feature => ({
      ...writer,
      name,
      requires: ['columnMapping'],
      use: { setting: `delta.enable${name.charAt(0).toUpperCase()}${name.slice(1)}` },
      write: 'refused',
      harmless: false,
      note: 'no Iceberg metadata is written',
    }),
  ),
  {
    ...writer,
    name: 'checkpointProtection',
    write: 'refused',
    harmless: false,
    note: 'older checkpoints would have to be kept',
  },
  {
    ...writer,
    name: 'materializePartitionColumns',
    write: 'refused',
    harmless: false,
    note: 'partition columns are not written into the files',
  },
  {
    ...both,
    name: 'variantType',
    read: 'refused',
    write: 'refused',
    harmless: false,
    note: 'the type variant is not known',
  },
  {
    ...both,
    name: 'catalogManaged',
    requires: ['inCommitTimestamp', 'vacuumProtocolCheck'],
    read: 'refused',
    write: 'refused',
    harmless: false,
    note: 'the newest commits are known to the catalog alone',
  },
]

const byName = new Map(FEATURES.map(feature => [feature.name, feature]))

/** A feature's entry; undefined for one that nobody here has heard of. */
export function findFeature(name: string): Feature | undefined {
  return byName.get(name)
}

/** Names of the features a protocol gives a table: listed ones, and those its versions imply. */
export function featuresOf(protocol: Protocol): ReadonlySet<string> {
  const { minReaderVersion: reader, minWriterVersion: writerVersion } = protocol
  const listed = [...(protocol.readerFeatures ?? []), ...(protocol.writerFeatures ?? [])]
  if (writerVersion >= 7) return new Set(listed)
  const implied = FEATURES.filter(f => f.legacy && f.legacy.reader <= reader && f.legacy.writer <= writerVersion)
  return new Set([...listed, ...implied.map(f => f.name)])
}

/** True when another writer may add the feature while a change is under way. */
export function isHarmlessWhenAdded(name: string): boolean {
  return findFeature(name)?.harmless ?? false
}
