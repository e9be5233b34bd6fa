/**
 * Loads or backfills one table in small parts, as a process that may be killed at any moment.
 *
 * Arguments: folder of the lake, server as JSON, entry as JSON, bytes of a part, lower bound of a backfill or nothing for a
 * load. Prints a JSON line for each part that it begins to read, and one at the end.
 */
import type { Slice } from '../../packages/tidemark/src/sources/source.ts'
import { type EntryOverrides, openWorld, type Server } from '../support/open-world.ts'
import { watched } from '../support/watched-snapshot.ts'

const [root = '', server = '', entry = '', partBytes = '', from] = process.argv.slice(2)

const say = (line: object): void => void process.stdout.write(`${JSON.stringify(line)}\n`)

/** Where a part begins; an increment has no such place. */
function startOf(slice: Slice): string | undefined {
  const chunk = slice.kind === 'range' ? slice.within : slice
  return chunk?.kind === 'chunk' ? String(chunk.from ?? 'start') : undefined
}

async function main(): Promise<void> {
  const table = JSON.parse(entry) as EntryOverrides
  const closing: (() => Promise<void>)[] = []
  const world = await openWorld(JSON.parse(server) as Server, root, {
    chunkBytes: BigInt(partBytes),
    atEnd: close => void closing.push(close),
  })
  const { snapshot } = watched(await world.snapshot(table), Infinity, slice => say({ begins: startOf(slice) }))
  const allowMassDelete = true
  const { method, ledger } = await (from === undefined
    ? world.ingest(table, { snapshot, allowMassDelete })
    : world.backfill(table, { from }, snapshot))
  say({ method, inserted: String(ledger.inserted) })
  for (const close of closing.reverse()) await close()
}

await main()
