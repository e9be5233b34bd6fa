import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import { field, type StructType } from '@tidemark/delta'
import { expect, onTestFinished, test } from 'vitest'
import { raw } from '../sql.ts'
import { copyStatement } from './copy.ts'
import { fieldIds, physicalColumns } from './physical.ts'
import { orderedRelation } from './row-order.ts'

const mapped = (id: number, name: string): object => ({
  metadata: { 'delta.columnMapping.id': id, 'delta.columnMapping.physicalName': name },
})
const inner: StructType = {
  type: 'struct',
  fields: [{ ...field('x', 'long', { nullable: false }), ...mapped(4, 'col-x') }],
}
const list = { type: 'array', elementType: inner, containsNull: true } as const
const schema: StructType = {
  type: 'struct',
  fields: [
    { ...field('id', 'long'), ...mapped(1, 'col-id') },
    { ...field('day', 'date'), ...mapped(2, 'col-day') },
    { ...field('list', list), ...mapped(3, 'col-list') },
  ],
}
const form = { schema, columnMapping: 'name', partitionColumns: ['day'] } as const

test('plain rows go to files that roll, staged ones to one file or one for each piece', () => {
  const rows = raw('SELECT 1')
  expect(
    [
      copyStatement(rows, { kind: 'rotating', folder: '/s', fileBytes: undefined }),
      copyStatement(rows, { kind: 'rotating', folder: '/s', fileBytes: 1n }),
      copyStatement(rows, { kind: 'single', file: '/s/0' }, { fieldIds: raw('{"a": 1}') }),
      copyStatement(
        rows,
        { kind: 'by piece', folder: '/s', piece: 'p' },
        { configuration: { 'delta.parquet.compression.codec': 'Snappy' } },
      ),
    ].map(statement => statement.text),
  ).toMatchInlineSnapshot(`
    [
      "COPY (SELECT 1) TO '/s' (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1, ROW_GROUP_SIZE 61440, ROW_GROUP_SIZE_BYTES 67108864, DICTIONARY_SIZE_LIMIT 6144, ROW_GROUPS_PER_FILE 32, FILENAME_PATTERN '{i}', WRITE_EMPTY_FILE false, RETURN_STATS)",
      "COPY (SELECT 1) TO '/s' (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1, ROW_GROUP_SIZE 61440, ROW_GROUP_SIZE_BYTES 67108864, DICTIONARY_SIZE_LIMIT 6144, FILE_SIZE_BYTES 1, FILENAME_PATTERN '{i}', WRITE_EMPTY_FILE false, RETURN_STATS)",
      "COPY (SELECT 1) TO '/s/0' (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1, ROW_GROUP_SIZE 61440, ROW_GROUP_SIZE_BYTES 67108864, DICTIONARY_SIZE_LIMIT 6144, FIELD_IDS {"a": 1}, RETURN_STATS)",
      "COPY (SELECT 1) TO '/s' (FORMAT parquet, COMPRESSION snappy, ROW_GROUP_SIZE 61440, ROW_GROUP_SIZE_BYTES 67108864, DICTIONARY_SIZE_LIMIT 6144, PARTITION_BY ("p"), FILENAME_PATTERN '{i}', RETURN_STATS)",
    ]
  `)
})

test('few rows of very many columns are written in little memory', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'tidemark-wide-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const columns = Array.from({ length: 1900 }, (_, n) => `range + ${n} AS c${n}`)
  const options = { memory_limit: '300MB', threads: '1', preserve_insertion_order: 'false' }
  const instance = await DuckDBInstance.create(':memory:', options)
  onTestFinished(() => instance.closeSync())
  const connection = await instance.connect()
  const rows = raw(`SELECT ${columns.join(', ')} FROM range(20)`)
  const target = { kind: 'rotating', folder: join(folder, 'files'), fileBytes: undefined } as const
  const written = await connection.runAndReadAll(copyStatement(rows, target, { columnCount: columns.length }).text)
  expect(written.getRows().map(([, count]) => count)).toEqual([20n])
})

test('long texts make smaller row groups, so that the memory of a write does not grow with the rows', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'tidemark-long-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const instance = await DuckDBInstance.create(':memory:', {
    memory_limit: '500MB',
    threads: '1',
    temp_directory: '',
    preserve_insertion_order: 'false',
  })
  onTestFinished(() => instance.closeSync())
  const connection = await instance.connect()
  const rows = raw(`SELECT repeat('long, ', 3000) || range AS text FROM range(50000)`)
  const target = { kind: 'rotating', folder: join(folder, 'files'), fileBytes: undefined } as const
  const written = await connection.runAndReadAll(copyStatement(rows, target).text)
  expect(written.getRows().map(([, count]) => count)).toEqual([50_000n])
})

test('columns get their physical names and ids, and are checked for NULL', () => {
  expect(physicalColumns(form).map(({ name, value }) => `${value} AS ${name}`)).toMatchInlineSnapshot(`
    [
      "CAST("id" AS BIGINT) AS col-id",
      "list_transform(CAST("list" AS STRUCT("x" BIGINT)[]), lambda item0: CASE WHEN item0 IS NOT NULL THEN struct_pack("col-x" := CASE WHEN struct_extract(item0, 'x') IS NULL THEN error('tidemark: NULL in the column list.element.x') ELSE struct_extract(item0, 'x') END) END) AS col-list",
    ]
  `)
  expect(fieldIds(form)?.text).toMatchInlineSnapshot(
    `"{"col-id": 1, "col-list": {__duckdb_field_id: 3, element: {"col-x": 4}}}"`,
  )
})

test('a z-order interleaves the bits of ranks, highest first', () => {
  const schema: StructType = { type: 'struct', fields: [field('a', 'long'), field('b', 'double')] }
  const { relation, key } = orderedRelation(raw('FROM t'), { columns: ['a', 'b'], curve: 'z-order' }, schema)
  expect(relation.text).toMatchInlineSnapshot(
    `"SELECT *, ((rank() OVER (ORDER BY "a") - 1) * 1048576 // count(*) OVER ()) AS _tidemark_rank0, ((rank() OVER (ORDER BY ("b" + 0)) - 1) * 1048576 // count(*) OVER ()) AS _tidemark_rank1 FROM (FROM t)"`,
  )
  expect(key.text.split(' + ').slice(0, 3)).toMatchInlineSnapshot(`
    [
      "((((_tidemark_rank1 >> 0) & 1) << 0)",
      "(((_tidemark_rank0 >> 0) & 1) << 1)",
      "(((_tidemark_rank1 >> 1) & 1) << 2)",
    ]
  `)
  expect(key.text.split(' + ')).toHaveLength(40)
  expect(orderedRelation(raw('FROM t'), { columns: ['a', 'b'], curve: 'linear' }, schema).key.text).toBe(
    '"a", ("b" + 0)',
  )
})
