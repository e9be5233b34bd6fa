/**
 * Rows that must be looked at before they are written: those of partitioned tables, whose values and numbers decide which
 * files there will be, and those that are to be sorted. They lie in a temporary table meanwhile.
 */
import type { WriteOptions } from '@tidemark/delta'
import { ident, integer, join, raw, type Sql, sql } from '../sql.ts'
import { type CopyForm, copyStatement, FILE_ROWS, ROW_GROUP_ROWS } from './copy.ts'
import { type FinishedFile, finishedFiles } from './finished-file.ts'
import { encodedValue, partitionFields, partitionName, partitionValues } from './partition-columns.ts'
import { fieldIds, logicalValue, physicalColumns } from './physical.ts'
import { orderedRelation } from './row-order.ts'

/** Runs a statement and gives its rows. */
export type Query = (statement: Sql) => Promise<unknown[][]>

export interface StagePorts {
  readonly query: Query
  /** A new name for a temporary table. */
  temporaryTable(hint: string): Sql
  /** A folder for this write alone, with `PIECES` inside. */
  readonly folder: string
}

export interface StagedFile extends FinishedFile {
  readonly partitionValues: Record<string, string | null>
}

/** Files that may be open at once before DuckDB closes some and begins second ones of the same piece. */
const OPEN_FILES = 100
const PIECE = '_tidemark_piece'

/** The folder for files that DuckDB names. */
export const PIECES = 'pieces'

/** Stage the rows of a query and write them, one file or more for each partition. */
export async function writeStaged(ports: StagePorts, rows: Sql, options: WriteOptions): Promise<StagedFile[]> {
  const staged = ports.temporaryTable('staged')
  const parts = ports.temporaryTable('parts')
  try {
    await ports.query(sql`CREATE TEMP TABLE ${staged} AS ${stagingQuery(rows, options)}`)
    const fileRows = await rowsPerFile(ports, staged, options)
    await ports.query(sql`CREATE TEMP TABLE ${parts} AS ${partsQuery(staged, options, fileRows)}`)
    const partitions = await readPartitions(ports.query, parts, options)
    const files =
      options.orderBy === undefined
        ? await writeAllPieces(ports, { staged, parts }, options, partitions)
        : await writePieceByPiece(ports, { staged, parts }, options, partitions)
    return files.map(file => ({ ...file, partitionValues: partitionOf(partitions, file.piece).values }))
  } finally {
    for (const table of [staged, parts]) await ports.query(sql`DROP TABLE IF EXISTS ${table}`)
  }
}

/** Columns `c0` … for the files, `p0` … for the partitions, and `place`, the row's place in its partition when sorted. */
function stagingQuery(rows: Sql, options: WriteOptions): Sql {
  const fields = partitionFields(options)
  const columns = [
    ...physicalColumns(options).map(({ value }, i) => sql`${value} AS ${dataName(i)}`),
    ...fields.map((field, i) => sql`${logicalValue(options, field)} AS ${partitionName(i)}`),
  ]
  if (options.orderBy === undefined) return sql`SELECT ${join(columns)} FROM (${rows})`
  const { relation, key } = orderedRelation(rows, options.orderBy, options.schema)
  const within = fields.length === 0 ? raw('') : sql`PARTITION BY ${join(fields.map(f => ident(f.name)))} `
  return sql`SELECT ${join(columns)}, row_number() OVER (${within}ORDER BY ${key}) AS place FROM (${relation})`
}

/** How many rows make a file of the wanted size, judged by the first ones. */
async function rowsPerFile(ports: StagePorts, staged: Sql, options: WriteOptions): Promise<bigint> {
  const { targetFileBytes } = options
  if (targetFileBytes === undefined) return BigInt(FILE_ROWS)
  const sample = sql`SELECT ${fileColumns(options)} FROM ${staged} LIMIT ${integer(ROW_GROUP_ROWS)}`
  const target = { kind: 'single', file: `${ports.folder}/sample` } as const
  const [row] = await ports.query(copyStatement(sample, target, copyForm(options)))
  const [, count, bytes] = row ?? []
  if (typeof count !== 'bigint' || typeof bytes !== 'bigint' || count === 0n || bytes === 0n) return BigInt(FILE_ROWS)
  const fitting = (targetFileBytes * count) / bytes
  return fitting < 1n ? 1n : fitting
}

function copyForm({ schema, configuration }: WriteOptions): CopyForm {
  return { columnCount: schema.fields.length, configuration }
}

/** One row a partition: its values, its number of rows `n`, of files `pieces`, and the number of its first file. */
function partsQuery(staged: Sql, options: WriteOptions, fileRows: bigint): Sql {
  const names = join(partitionFields(options).map((_, i) => partitionName(i)))
  const group = names.text === '' ? raw('') : sql`${names}, `
  const by = names.text === '' ? raw('HAVING count(*) > 0') : sql`GROUP BY ${names}`
  const pieces = sql`CAST(ceil(n / ${integer(fileRows)}) AS BIGINT)`
  return sql`SELECT *, CAST(sum(pieces) OVER (ORDER BY part) - pieces AS BIGINT) AS first FROM (SELECT *, \
${pieces} AS pieces, row_number() OVER () AS part FROM (SELECT ${group}count(*) AS n FROM ${staged} ${by}))`
}

interface Partition {
  readonly first: number
  readonly pieces: number
  readonly rowCount: bigint
  readonly values: Record<string, string | null>
}

async function readPartitions(query: Query, parts: Sql, options: WriteOptions): Promise<Partition[]> {
  const fields = partitionFields(options)
  const encoded = fields.map((field, i) => encodedValue(field, partitionName(i)))
  const rows = await query(sql`SELECT ${join([raw('first, pieces, n'), ...encoded])} FROM ${parts} ORDER BY first`)
  return rows.map(([first, pieces, rowCount, ...values]) => ({
    first: Number(first),
    pieces: Number(pieces),
    rowCount: BigInt(String(rowCount)),
    values: partitionValues(
      options,
      fields,
      values.map(value => (typeof value === 'string' ? value : null)),
    ),
  }))
}

/** The partition that a piece belongs to; partitions are in the order of their pieces. */
function partitionOf(partitions: readonly Partition[], piece: number | undefined): Partition {
  const found = partitions.findLast(partition => partition.first <= (piece ?? 0))
  if (found === undefined) throw new TypeError('this is a bug in tidemark: a file of no partition')
  return found
}

interface Tables {
  readonly staged: Sql
  readonly parts: Sql
}

/** All files by one statement; sorted by file when there are more than can be open at once. */
async function writeAllPieces(
  ports: StagePorts,
  { staged, parts }: Tables,
  options: WriteOptions,
  partitions: readonly Partition[],
): Promise<FinishedFile[]> {
  if (partitions.length === 0) return []
  const same = samePartition(options)
  const on = same.length === 0 ? raw('true') : join(same, ' AND ')
  const columns = sql`${fileColumns(options)}, t.first + s.rowid % t.pieces AS ${ident(PIECE)}`
  const last = partitions.at(-1)
  const pieces = last === undefined ? 0 : last.first + last.pieces
  const order = pieces > OPEN_FILES ? sql` ORDER BY ${ident(PIECE)}` : raw('')
  const query = sql`SELECT ${columns} FROM ${staged} s JOIN ${parts} t ON ${on}${order}`
  const target = { kind: 'by piece', folder: `${ports.folder}/${PIECES}`, piece: PIECE } as const
  return finishedFiles(
    await ports.query(copyStatement(query, target, { ...copyForm(options), fieldIds: fieldIds(options) })),
  )
}

/** A file at a time, which keeps its rows in order. */
async function writePieceByPiece(
  ports: StagePorts,
  { staged, parts }: Tables,
  options: WriteOptions,
  partitions: readonly Partition[],
): Promise<FinishedFile[]> {
  const files: FinishedFile[] = []
  const same = samePartition(options)
  for (const { first, pieces, rowCount } of partitions) {
    const of = [sql`t.first = ${integer(first)}`, ...same]
    for (let i = 0n; i < BigInt(pieces); i += 1n) {
      const [start, end] = [(rowCount * i) / BigInt(pieces), (rowCount * (i + 1n)) / BigInt(pieces)]
      const within = sql`s.place > ${integer(start)} AND s.place <= ${integer(end)}`
      const query = sql`SELECT ${fileColumns(options)} FROM ${staged} s JOIN ${parts} t ON ${join(of, ' AND ')} \
WHERE ${within} ORDER BY s.place`
      const piece = first + Number(i)
      const target = { kind: 'single', file: `${ports.folder}/${piece}` } as const
      const [written] = finishedFiles(
        await ports.query(copyStatement(query, target, { ...copyForm(options), fieldIds: fieldIds(options) })),
      )
      if (written !== undefined) files.push({ ...written, piece })
    }
  }
  return files
}

/** A staged row and its line of the partitions. */
function samePartition(options: WriteOptions): Sql[] {
  return partitionFields(options).map((_, i) => sql`s.${partitionName(i)} IS NOT DISTINCT FROM t.${partitionName(i)}`)
}

/** The staged columns under their names in the files. */
function fileColumns(options: WriteOptions): Sql {
  return join(physicalColumns(options).map(({ name }, i) => sql`${dataName(i)} AS ${ident(name)}`))
}

function dataName(index: number): Sql {
  return raw(`c${index}`)
}
