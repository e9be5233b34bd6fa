/** Which class a table gets when nobody has chosen one: by its size, its indexes and what the server tells. */
import { expect, test } from 'vitest'
import { sql } from '../engine/sql.ts'
import { anyTable } from '../config/any-table.ts'
import type { TableEntry } from '../model/project.ts'
import type { ChangeLog } from '../sources/change-log.ts'
import type { SourceColumn, SourceTable } from '../sources/source.ts'
import { settleGuarantee } from './guarantee.ts'

const GB = 1024n ** 3n
const place = { file: 'list.json', line: 1, column: 1 }
const config = { name: 'app', type: 'postgres', timezone: 'UTC', prefix: '', place } as const
const listed = anyTable({ ...config, connection: { url: 'sqlite:none' } })
const cursor: SourceColumn = {
  name: 'changed_at',
  sourceType: 'timestamptz',
  deltaType: 'timestamp',
  nullable: false,
  orderable: true,
  note: undefined,
  decode: () => sql`NULL`,
}
const scanned: SourceTable = {
  schema: 'public',
  table: 'orders',
  kind: 'table',
  columns: [cursor],
  primaryKey: ['id'],
  leadingColumns: ['id', 'changed_at'],
  rowEstimate: undefined,
  sizeBytes: 60n * GB,
  fingerprint: '',
  hasRowVersion: true,
  isProvedByOrder: true,
}
const compared = { hasRowVersion: false, isProvedByOrder: false }

interface Given {
  entry?: Partial<TableEntry>
  table?: Partial<SourceTable>
  keys?: readonly string[]
  column?: SourceColumn | undefined
  hidden?: string
  changeLog?: ChangeLog
}

function settle({ entry, table, keys = ['id'], hidden, changeLog, ...given }: Given = {}): string {
  const { guarantee, method } = settleGuarantee({
    entry: { ...listed, ...entry },
    table: { ...scanned, ...table },
    keys,
    cursor: 'column' in given ? given.column : cursor,
    snapshot: { openTransactionsHidden: hidden, ...(changeLog === undefined ? {} : { changeLog }) },
  })
  return `${guarantee} ${method}`
}

const SCAN = 'A xmin scan'
const PASSES = 'B cursor changed_at, full pass every 24h'

test.each([
  ['a table of 50 GB is scanned', { table: { sizeBytes: 50n * GB } }, SCAN],
  ['a larger one is read by the index of its cursor, and scanned once a day', {}, PASSES],
  [
    'one whose server hides transactions keeps a lag between its passes',
    { hidden: 'the login may not see open transactions' },
    'C cursor changed_at, lag 1h, full pass every 24h',
  ],
  ['without an index of the cursor a scan costs no more', { table: { leadingColumns: ['id'] } }, SCAN],
  ['where nobody looked for indexes it is scanned', { table: { leadingColumns: [] } }, SCAN],
  ['without a cursor it is scanned', { column: undefined }, SCAN],
  ['a number is no time', { column: { ...cursor, deltaType: 'long' } }, SCAN],
  ['a list of changed keys spares the scan', { changeLog: {} as ChangeLog }, SCAN],
  ['versions that the server finds by itself need no scan', { table: { versionMethod: 'rowversion' } }, 'A rowversion'],
  ['exact, when written, is scanned', { entry: { guarantee: 'exact' } }, SCAN],
  [
    'a class that is written has no passes of its own accord',
    { entry: { guarantee: 'server_clock' } },
    'B cursor changed_at',
  ],
  [
    'an interval that is written holds for a small table',
    { entry: { fullPassMs: 3_600_000 }, table: { sizeBytes: GB } },
    'B cursor changed_at, full pass every 1h',
  ],
  [
    'a table without versions is compared up to 256 MB',
    { table: { ...compared, sizeBytes: GB / 4n } },
    'A full compare',
  ],
  ['and read by its cursor above', { table: compared }, 'B cursor changed_at'],
] satisfies [string, Given, string][])('%s', (_promise, given, expected) => {
  expect(settle(given)).toBe(expected)
})

test('a table without a key has no use for full passes, and says so', () => {
  expect(() => settle({ keys: [], entry: { fullPassMs: 1 } })).toThrow(
    'public.orders has no use for full_pass: without a key every run reads all of it.',
  )
})
