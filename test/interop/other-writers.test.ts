/** Tables that delta-rs writes, read by us as it reads them: every type, every change. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { WHEN_MISSING } from '../support/interop/installed.ts'
import { hasReader, type Reader, readWith, runPython } from '../support/interop/read-with.ts'

let lake: string
beforeAll(async () => {
  lake = await mkdtemp(join(tmpdir(), 'tidemark-other-writers-'))
})
afterAll(() => rm(lake, { recursive: true, force: true }))

/** Every type that delta-rs writes, in rows that show its edges; then every change it knows, with a checkpoint between. */
const EVERY_CHANGE = `
import decimal, datetime as dt
utc = dt.timezone.utc
schema = pa.schema([
    ("id", pa.int64()), ("part", pa.string()), ("day", pa.date32()), ("b", pa.bool_()), ("by", pa.int8()), ("sh", pa.int16()),
    ("i", pa.int32()), ("f", pa.float32()), ("d", pa.float64()), ("dc", pa.decimal128(38, 10)), ("s", pa.string()),
    ("bin", pa.binary()), ("ts", pa.timestamp("us", tz="UTC")), ("l", pa.list_(pa.int32())),
    ("m", pa.map_(pa.string(), pa.int32())), ("st", pa.struct([("a", pa.int32()), ("b", pa.list_(pa.string()))])),
])
def row(id, part, full):
    if not full:
        return {"id": id, "part": part}
    return {"id": id, "part": part, "day": dt.date(1969, 12, 31), "b": True, "by": -128, "sh": -32768, "i": 2147483647,
        "f": 0.1, "d": float("nan"), "dc": decimal.Decimal("1234567890123456789012345678.0123456789"), "s": "é😀",
        "bin": bytes([0, 255]), "ts": dt.datetime(1969, 12, 31, 23, 59, 59, 999999, utc), "l": [1, None],
        "m": [("k", 1), ("a", None)], "st": {"a": 1, "b": ["x", None]}}
rows = lambda *given: pa.Table.from_pylist([row(*one) for one in given], schema=schema)
feed = {"delta.enableChangeDataFeed": "true"} if arguments[2] == "feed" else {}
by = ["part", "day"] if arguments[1] == "partitioned" else None
first = rows((1, "a b/c=1", True), (9007199254740993, "é", True), (3, None, False))
write_deltalake(arguments[0], first, partition_by=by, configuration=feed)
write_deltalake(arguments[0], rows((4, "x", True), (5, "x", False)), mode="append")
table = DeltaTable(arguments[0])
table.delete("id = 4")
table.update(updates={"s": "'changed'"}, predicate="id = 1")
merge = table.merge(rows((3, None, True), (6, "new", True)), "t.id = s.id", source_alias="s", target_alias="t")
merge.when_matched_update_all().when_not_matched_insert_all().execute()
table.create_checkpoint()
table.optimize.compact()
write_deltalake(arguments[0], rows((7, "last", False)), mode="append")
`

describe.skipIf(!hasReader('delta-rs'))(`delta-rs (${WHEN_MISSING})`, () => {
  test.each([
    ['a plain table', 'plain', 'none'],
    ['a partitioned table', 'partitioned', 'none'],
    ['a table with a change feed', 'plain', 'feed'],
  ])('%s of every type is read at each of its versions', async (_what, partitioned, feed) => {
    const folder = join(lake, `of-rs-${partitioned}-${feed}`)
    await runPython(EVERY_CHANGE, folder, partitioned, feed)
    // Of a partitioned table there is nothing to put together.
    const latest = partitioned === 'partitioned' ? 5 : 6
    for (let version = 0; version <= latest; version += 1) {
      const own = await readWith('tidemark', folder, { version })
      expect(own, `version ${version}`).toEqual(await readWith('delta-rs', folder, { version }))
    }
    expect((await readWith('tidemark', folder)).rows).toHaveLength(6)
    if (feed !== 'feed') return
    // But for the time of the commit, which delta-rs takes from what the commit says and we, as Spark, from its file.
    const changes = async (reader: Reader): Promise<unknown[]> =>
      (await readWith(reader, folder, { cdf: { from: 0, to: latest } })).rows.map(row => JSON.parse(row).slice(0, -1))
    expect(await changes('tidemark')).toEqual(await changes('delta-rs'))
  })
})
