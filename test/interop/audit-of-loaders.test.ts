/**
 * `audit` of copies in the layouts that loaders leave: real dlt, into Parquet and into Delta; and that of the copy activity
 * of Data Factory, by a stand-in that writes files as it does. What is planted is found, and nothing else.
 */
import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { DLT_TO_FILES, install, plainUrl, QUIET } from '../../bench/peers/peers.ts'
import type { Audit } from '../../packages/tidemark/src/ingest/audit.ts'
import { openAudit, STREAM, streamRows } from '../support/audited-stream.ts'
import { hasPython, WHEN_MISSING } from '../support/interop/installed.ts'
import { runPython } from '../support/interop/read-with.ts'
import { createDatabase, type TestDatabase } from '../support/postgres.ts'

const execute = promisify(execFile)
const bin = hasPython ? await install(DLT_TO_FILES) : undefined

let database: TestDatabase
beforeAll(async () => {
  database = await createDatabase(import.meta.url)
})
afterAll(() => database.drop())

/** Keys 901 to 909 will share their second with the mark of the first copy. */
beforeEach(async () => {
  await database.query(`DROP TABLE IF EXISTS stream; ${STREAM};
    ${streamRows('generate_series(1, 900) g WHERE g NOT IN (100, 200)')}`)
})

/** Between two copies: two rows are committed late, one changes without the cursor, one with it, two go, others are new. */
const CHANGE = `${streamRows('(VALUES (100), (200)) v (g)')}; ${streamRows('generate_series(901, 1000) g')};
  UPDATE stream SET seconds = 7777.25 WHERE stream_id = 300; DELETE FROM stream WHERE stream_id IN (400, 500);
  UPDATE stream SET seconds = 5, played_at = timestamptz '2026-01-01 00:01:39+00' WHERE stream_id = 50`
/** After the last copy. */
const LATER = streamRows('generate_series(1011, 1015) g')

async function makeFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'tidemark-copies-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  return folder
}

async function audited(against: string): Promise<Audit> {
  return await (await openAudit(database)).audited(against)
}

const FOUND = {
  status: 'different',
  sourceRows: '1003',
  missing: { rows: '2', ties: '0', behind: '2', newer: '5' },
  stale: { rows: '1', ties: '0', behind: '1', newer: '0' },
  ghosts: '2',
  doubled: '3',
  notCompared: [],
  differingColumns: [{ column: 'seconds', rows: '1' }],
}

const PLANT: Readonly<Record<string, string>> = {
  parquet: `import sys, glob, pyarrow as pa, pyarrow.compute as pc, pyarrow.parquet as pq
rows = pq.read_table(sorted(glob.glob(sys.argv[1] + "/*.parquet"))[0])
pq.write_table(rows.filter(pc.is_in(rows["stream_id"], pa.array([10, 11, 12], pa.int64()))), sys.argv[1] + "/again.parquet")`,
  delta: `import sys, pyarrow as pa, pyarrow.compute as pc
from deltalake import DeltaTable, write_deltalake
rows = DeltaTable(sys.argv[1]).to_pyarrow_table()
write_deltalake(sys.argv[1], rows.filter(pc.is_in(rows["stream_id"], pa.array([10, 11, 12], pa.int64()))), mode="append")`,
}

describe.skipIf(bin === undefined)(`copies of dlt (${WHEN_MISSING})`, () => {
  test.each(['parquet', 'delta'])(
    'into %s: late, changed, deleted and doubled rows are told, and nothing else',
    async form => {
      const folder = await makeFolder()
      const python = join(bin ?? '', 'python')
      const env = { ...process.env, ...QUIET, HOME: folder }
      const copy = async (): Promise<unknown> =>
        await execute(python, ['-c', DLT_TO_FILES.program, plainUrl(database.url), folder, form], { cwd: folder, env })
      await copy()
      await database.query(CHANGE)
      await copy()
      const table = join(folder, 'copies/loaded/stream')
      await execute(python, ['-c', PLANT[form] ?? '', table])
      await database.query(LATER)
      expect(await audited(table)).toMatchObject(FOUND)
    },
  )
})

/**
 * A stand-in for the copy activity: `<Table>/<Table>_<utcNow()>` without an ending, times and dates as INT96, decimals with
 * its widest scale, every column nullable. It was written from descriptions of such files, not by Data Factory.
 */
const DATA_FACTORY_STAND_IN = `
import datetime as dt, decimal, pathlib
import pyarrow.parquet as pq
decimal.getcontext().prec = 60
start = dt.datetime(2026, 1, 1)
schema = pa.schema([("stream_id", pa.int64()), ("seconds", pa.decimal128(38, 18)), ("paid", pa.bool_()),
    ("played_at", pa.timestamp("ns")), ("day", pa.timestamp("ns")), ("note", pa.string())])
def row(id, seconds=None, second=None):
    return {"stream_id": id, "seconds": decimal.Decimal(id if seconds is None else seconds) / 4, "paid": id % 2 == 0,
        "played_at": start + dt.timedelta(seconds=id // 10 if second is None else second),
        "day": start + dt.timedelta(days=id % 7), "note": f"note é {id}" if id % 3 else None}
def write(time, rows):
    folder = pathlib.Path(arguments[0], "stream")
    folder.mkdir(exist_ok=True)
    pq.write_table(pa.Table.from_pylist(rows, schema=schema), folder / f"stream_{time}", compression="snappy",
        use_deprecated_int96_timestamps=True)
write("2026-01-01T00:01:31.1234567Z", [row(id) for id in range(1, 901) if id not in (100, 200)])
write("2026-01-01T00:02:00.7654321Z", [])
write("2026-01-01T00:02:31.1234567Z", [row(id) for id in range(901, 1001)] + [row(50, 20, 99)])
write("2026-01-01T00:03:31.1234567Z", [row(id) for id in (10, 11, 12)])
`

test.skipIf(!hasPython)(
  `a folder as Data Factory leaves it, by a stand-in: the same is told, of files without an ending (${WHEN_MISSING})`,
  async () => {
    const folder = await makeFolder()
    await database.query(`${CHANGE}; ${LATER}`)
    await runPython(DATA_FACTORY_STAND_IN, folder)
    expect(await audited(join(folder, 'stream'))).toMatchObject(FOUND)
  },
)
