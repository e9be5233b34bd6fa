/** `--reload-source`: what exists only in the lake is said, and somebody has to mean it, before anything is read. */
import type { LoadedProject } from '../config/load-project.ts'
import { plainLine } from '../errors/plain-text.ts'
import { RELOAD_NEEDS_YES } from '../errors/run.ts'
import { countText, plural } from '../report/numbers.ts'
import { assertOwnLake } from '../run/lake-owner.ts'
import { findOnlyInLake, type OnlyInLake } from '../run/only-in-lake.ts'
import { openReaderOf } from './open-lake.ts'
import type { CliPorts } from './ports.ts'

/**
 * True when the tables may be reloaded. Says what each of them would lose.
 *
 * @throws {RELOAD_NEEDS_YES} there is no terminal, and no `--yes`
 */
export async function confirmReload(
  ports: CliPorts,
  loaded: LoadedProject,
  { tables, yes }: { tables: readonly string[]; yes: boolean },
): Promise<boolean> {
  if (tables.length === 0) return true
  await using lake = await openReaderOf(ports, loaded)
  await assertOwnLake(lake.store, loaded.project)
  const found = await findOnlyInLake(lake, loaded.project, tables)
  if (found.length === 0) return true
  const losses = found.map(lossText)
  if (yes || ports.confirm !== undefined) {
    const after =
      'What streams from them is rebuilt, and its history goes, too; earlier versions of all these tables can be read until vacuum.'
    ports.stderr.write(`${losses.join('\n')}\n${after}\n`)
  }
  if (yes) return true
  if (ports.confirm === undefined) throw RELOAD_NEEDS_YES({ losses: losses.join('; ') })
  return await ports.confirm(`Reload ${plural(found.length, 'table')} from the source?`, ports.signal)
}

function lossText({ table, versions, onlyInLake }: OnlyInLake): string {
  const name = plainLine(table)
  if (onlyInLake === undefined) return `${name}: how many of its row versions exist only in the lake is not known`
  if (onlyInLake === 0n) return `${name}: none of its ${countText(versions)} row versions exists only in the lake`
  return `${name}: ${countText(onlyInLake)} of its ${countText(versions)} row versions exist only in the lake`
}
