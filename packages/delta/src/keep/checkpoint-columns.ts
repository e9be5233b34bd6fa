/**
 * The columns of a checkpoint (Delta protocol, "Checkpoint Schema"). All of them may be NULL, at every depth: a row has
 * one action, and readers have refused tables for less.
 */
import { columnMappingOf, physicalSchema } from '../schema/column-mapping.ts'
import { type DataType, field, type StructField, type StructType } from '../schema/schema.ts'
import type { Snapshot } from '../snapshot/snapshot.ts'

/** How a table wants the statistics of its files kept in checkpoints. */
export interface StatsColumns {
  /** As text: `delta.checkpoint.writeStatsAsJson`, which is on unless it is switched off. */
  readonly asText: boolean
  /** As columns: `delta.checkpoint.writeStatsAsStruct`, which is off unless it is switched on. */
  readonly parsed: StructType | undefined
  /** Partition values as columns, wherever statistics are. */
  readonly partitions: StructType | undefined
}

const texts: DataType = { type: 'map', keyType: 'string', valueType: 'string', valueContainsNull: true }
const names: DataType = { type: 'array', elementType: 'string', containsNull: true }

const deletionVector = field(
  'deletionVector',
  struct([
    field('storageType', 'string'),
    field('pathOrInlineDv', 'string'),
    field('offset', 'integer'),
    field('sizeInBytes', 'integer'),
    field('cardinality', 'long'),
  ]),
)

const rowTracking = [field('baseRowId', 'long'), field('defaultRowCommitVersion', 'long')]

const named = [
  field('txn', struct([field('appId', 'string'), field('version', 'long'), field('lastUpdated', 'long')])),
  field(
    'metaData',
    struct([
      field('id', 'string'),
      field('name', 'string'),
      field('description', 'string'),
      field('format', struct([field('provider', 'string'), field('options', texts)])),
      field('schemaString', 'string'),
      field('partitionColumns', names),
      field('configuration', texts),
      field('createdTime', 'long'),
    ]),
  ),
  field(
    'protocol',
    struct([
      field('minReaderVersion', 'integer'),
      field('minWriterVersion', 'integer'),
      field('readerFeatures', names),
      field('writerFeatures', names),
    ]),
  ),
  field(
    'domainMetadata',
    struct([field('domain', 'string'), field('configuration', 'string'), field('removed', 'boolean')]),
  ),
]

const remove = field(
  'remove',
  struct([
    field('path', 'string'),
    field('deletionTimestamp', 'long'),
    field('dataChange', 'boolean'),
    field('extendedFileMetadata', 'boolean'),
    field('partitionValues', texts),
    field('size', 'long'),
    deletionVector,
    ...rowTracking,
  ]),
)

const v2 = [
  field('checkpointMetadata', struct([field('version', 'long'), field('tags', texts)])),
  field(
    'sidecar',
    struct([
      field('path', 'string'),
      field('sizeInBytes', 'long'),
      field('modificationTime', 'long'),
      field('tags', texts),
    ]),
  ),
]

/** The schema of files: of a whole checkpoint, of a V2 one that points to sidecars, or of a sidecar. */
export function checkpointSchema(kind: 'whole' | 'manifest' | 'sidecar', stats: StatsColumns): StructType {
  switch (kind) {
    case 'whole':
      return struct([...named, add(stats), remove])
    case 'manifest':
      // Without rows in them, but Spark fails where the columns of files are missing.
      return struct([...named, add(stats), remove, ...v2])
    case 'sidecar':
      return struct([add(stats), remove])
  }
}

function add({ asText, parsed, partitions }: StatsColumns): StructField {
  return field(
    'add',
    struct([
      field('path', 'string'),
      field('partitionValues', texts),
      field('size', 'long'),
      field('modificationTime', 'long'),
      field('dataChange', 'boolean'),
      ...(asText ? [field('stats', 'string')] : []),
      field('tags', texts),
      deletionVector,
      ...rowTracking,
      field('clusteringProvider', 'string'),
      ...(partitions === undefined ? [] : [field('partitionValues_parsed', partitions)]),
      ...(parsed === undefined ? [] : [field('stats_parsed', parsed)]),
    ]),
  )
}

/** What a table's settings and columns ask for. Names are those of the files. */
export function statsColumnsOf(
  table: Pick<Snapshot, 'protocol' | 'configuration' | 'schema' | 'metaData'>,
): StatsColumns {
  const { configuration, schema, metaData } = table
  const asText = configuration['delta.checkpoint.writeStatsAsJson']?.toLowerCase() !== 'false'
  const isParsed = configuration['delta.checkpoint.writeStatsAsStruct']?.toLowerCase() === 'true'
  if (!isParsed) return { asText, parsed: undefined, partitions: undefined }
  const physical = physicalSchema(schema, columnMappingOf(table)).fields
  const isPartition = schema.fields.map(({ name }) => metaData.partitionColumns.includes(name))
  const data = physical.filter((_, i) => isPartition[i] !== true)
  const partitions = physical.filter((f, i) => isPartition[i] === true && typeof f.type === 'string')
  const [bounds, counts] = [boundsOf(data), countsOf(data)]
  const parsed = struct([
    field('numRecords', 'long'),
    ...(bounds.length === 0 ? [] : [field('minValues', struct(bounds)), field('maxValues', struct(bounds))]),
    ...(counts.length === 0 ? [] : [field('nullCount', struct(counts))]),
    field('tightBounds', 'boolean'),
  ])
  return { asText, parsed, partitions: partitions.length === 0 ? undefined : struct(partitions.map(bare)) }
}

/** Columns that may have a least and a greatest value. */
function boundsOf(fields: readonly StructField[]): StructField[] {
  return fields.flatMap(({ name, type }) => {
    if (typeof type === 'string') return hasBounds(type) ? [field(name, type)] : []
    const inner = type.type === 'struct' ? boundsOf(type.fields) : []
    return inner.length === 0 ? [] : [field(name, struct(inner))]
  })
}

/** Every column can be counted; arrays and maps as a whole. */
function countsOf(fields: readonly StructField[]): StructField[] {
  return fields.map(({ name, type }) => {
    const isStruct = typeof type !== 'string' && type.type === 'struct'
    return field(name, isStruct ? struct(countsOf(type.fields)) : 'long')
  })
}

function hasBounds(type: string): boolean {
  return !['boolean', 'binary', 'void'].includes(type)
}

function bare({ name, type }: StructField): StructField {
  return field(name, type)
}

function struct(fields: readonly StructField[]): StructType {
  return { type: 'struct', fields }
}
