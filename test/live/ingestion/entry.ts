/** An entry of the table list that changes at random, and what a user does with it when a run says that it cannot go on. */
import type { Random } from '../../../examples/music/random.ts'
import type { EntryOverrides } from '../../support/world.ts'
import type { Item } from './model.ts'

const pickedFrom = (random: Random, names: readonly string[]): string[] => names.filter(() => random.chance(0.4))

/** The entry with one of its keys changed. Classes D and `null_cursor: exclude` leave rows out by design, and are not tried. */
export function changeEntry({ random, kind, columns }: Item, entry: EntryOverrides): EntryOverrides {
  const names = columns.map(({ name }) => name)
  const numbers = columns.filter(({ type }) => type !== 'text').map(({ name }) => name)
  switch (random.integer(0, 8)) {
    case 0:
      return {
        ...entry,
        filter: random.chance(0.3) || numbers.length === 0 ? undefined : `coalesce(${random.pick(numbers)}, 0) < 8`,
      }
    case 1:
      return { ...entry, columns: undefined, excludeColumns: pickedFrom(random, names) }
    case 2:
      return {
        ...entry,
        excludeColumns: [],
        columns: random.chance(0.5) ? undefined : ['k', 'at', ...pickedFrom(random, names)],
      }
    case 3:
      return {
        ...entry,
        masks: Object.fromEntries(
          pickedFrom(random, names).map(name => [name, random.pick(['hash', 'null'] as const)]),
        ),
      }
    case 4:
      return { ...entry, deletes: random.pick(['detect', 'ignore'] as const) }
    case 5:
      return { ...entry, asText: random.chance(0.5) ? [] : pickedFrom(random, names) }
    case 6:
      return {
        ...entry,
        drift: random.pick([
          'addNewColumns',
          'addNewColumnsWithTypeWidening',
          'rescue',
          'none',
          'failOnNewColumns',
        ] as const),
      }
    default:
      return { ...entry, ...changedClass(random, kind.name === 'SQLite') }
  }
}

function changedClass(random: Random, hasNoClock: boolean): Partial<EntryOverrides> {
  const none = { guarantee: undefined, lagMs: undefined, fullPassMs: undefined }
  const what = random.integer(0, 3)
  if (what === 0) return { ...none, guarantee: 'exact' }
  if (what === 1) return none
  const fullPassMs = random.chance(0.3) ? 86_400_000 : undefined
  if (what === 2 && !hasNoClock) return { ...none, guarantee: 'server_clock', fullPassMs }
  return { ...none, guarantee: 'bounded_lag', lagMs: 600_000, fullPassMs }
}

/** What the hint of a stop says; undefined for one that nothing here can be to blame for. */
export function followHint({ columns }: Item, entry: EntryOverrides, code: string): EntryOverrides | undefined {
  const isThere = (name: string): boolean => ['k', 'at', ...columns.map(one => one.name)].includes(name)
  switch (code) {
    case 'COLUMN_DRIFT':
      return { ...entry, drift: 'addNewColumns' }
    case 'FILTER_REFUSED':
      return { ...entry, filter: undefined }
    case 'SOURCE_COLUMN_MISSING':
      return {
        ...entry,
        columns: entry.columns?.filter(isThere),
        excludeColumns: entry.excludeColumns?.filter(isThere) ?? [],
        asText: entry.asText?.filter(isThere) ?? [],
        masks: Object.fromEntries(Object.entries(entry.masks ?? {}).filter(([name]) => isThere(name))),
      }
    default:
      return undefined
  }
}
