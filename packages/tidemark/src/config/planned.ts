/**
 * What the design promises and this version does not do. Written by a user it is refused by name, never ignored and
 * never taken for a typing mistake. Building something means deleting its line here.
 */
import { CONFIG_PLANNED } from '../errors/config.ts'
import type { Place, Problem } from '../errors/problem.ts'
import type { ConfigNode, Path } from './node.ts'
import { printPath } from './check.ts'

export interface Planned {
  /** Keys from the top; `*` is any one key or list index, a leading `**` any number of them. */
  path: string
  /** Set when only some values of the key are planned. */
  value?: RegExp
  instead?: string
}

const pinned = 'Postgres, MySQL, MariaDB, SQL Server and SQLite sources are built.'
const keep = 'Write an AUTO CDC flow with STORED AS SCD TYPE 2 in gold/ for history.'
const ntz = 'Set `timezone:` on the source; timestamps become `timestamp`.'
const secretStores: Planned = {
  path: '**.secret',
  value: /^(keyring|vault):/,
  instead:
    'Use `env:NAME`, `file:path`, `azure-kv:vault/name` or `aws-sm:name`, and let your platform put the value there.',
}

/** Keys and values of tidemark.yml. */
export const plannedInProject: readonly Planned[] = [
  { path: 'schedule', instead: 'Start `tidemark run` from cron or another scheduler.' },
  { path: 'include', instead: 'Keep everything in tidemark.yml; the table list may be a file of its own.' },
  { path: 'engine', instead: 'Remove it: everything runs on DuckDB in this process.' },
  { path: 'deploy' },
  { path: 'server' },
  { path: 'grants' },
  { path: 'masks' },
  { path: 'maintenance' },
  {
    path: 'lake',
    value: /^(gs|adl|hdfs|https?):\/\//i,
    instead: 'Use a folder, az://, abfss:// or s3://.',
  },
  { path: 'sources.*.type', value: /^(oracle|files)$/i, instead: pinned },
  { path: 'sources.*.filter' },
  { path: 'sources.*.timestamps', instead: ntz },
  { path: 'sources.*.timezone', value: /^(none|timestamp_ntz)$/i, instead: ntz },
  { path: 'silver.defaults.keep', instead: keep },
  { path: 'silver.defaults.masks' },
  { path: 'silver.defaults.transform.*.cast.*', value: /^timestamp_ntz$/i, instead: ntz },
  { path: 'alerts.rules.*.on', value: /^silence$/, instead: 'Keep failure and recovery.' },
  { path: 'alerts.rules.*.on.*', value: /^silence$/, instead: 'Keep failure and recovery.' },
  { path: 'alerts.channels.*.slack', instead: 'Use a webhook.' },
  { path: 'alerts.channels.*.teams', instead: 'Use a webhook.' },
  secretStores,
]

/** Keys and values of one entry of the table list. */
export const plannedInEntry: readonly Planned[] = [
  { path: 'timestamps', instead: ntz },
  { path: 'keep', instead: keep },
  { path: 'silver.keep', instead: keep },
  { path: 'silver.masks' },
  { path: 'silver.filter' },
  { path: 'silver.transform.*.cast.*', value: /^timestamp_ntz$/i, instead: ntz },
  { path: 'deletes', value: /^(soft|log|cdc)$/, instead: 'Use detect or ignore.' },
]

export interface PlannedFound {
  problems: readonly Problem[]
  /** Whether a place lies in something planned, so that it is not reported a second time. */
  covers: (place: Place | undefined) => boolean
}

/** Find planned keys and values in a tree. `around` are the keys that lead to it, for messages. */
export function findPlanned(node: ConfigNode, table: readonly Planned[], around: Path = []): PlannedFound {
  const problems: Problem[] = []
  const places = new Set<string>()
  const visit = (at: ConfigNode, path: Path, keyPlace: Place): void => {
    const planned = table.find(one => matches(one, path, at))
    if (planned !== undefined) {
      const place = planned.value === undefined ? keyPlace : at.place
      const key = printPath([...around, ...path])
      const what = planned.value === undefined || at.kind !== 'scalar' ? `\`${key}\`` : `\`${key}: ${shown(at.raw)}\``
      problems.push(CONFIG_PLANNED({ what, instead: planned.instead }, { place }))
      places.add(printPlace(place)).add(printPlace(at.place))
      return
    }
    if (at.kind === 'list') for (const [i, item] of at.items.entries()) visit(item, [...path, i], item.place)
    if (at.kind === 'map') for (const entry of at.entries) visit(entry.value, [...path, entry.key], entry.keyPlace)
  }
  visit(node, [], node.place)
  return { problems, covers: place => place !== undefined && places.has(printPlace(place)) }
}

function matches(planned: Planned, path: Path, node: ConfigNode): boolean {
  const wanted = planned.path.split('.')
  const anywhere = wanted[0] === '**'
  const tail = anywhere ? wanted.slice(1) : wanted
  if (anywhere ? path.length < tail.length : path.length !== tail.length) return false
  const fits = path.slice(path.length - tail.length).every((step, i) => tail[i] === '*' || tail[i] === String(step))
  if (!fits || planned.value === undefined) return fits
  return node.kind === 'scalar' && planned.value.test(node.raw.trim())
}

/** A value for a message: an address keeps its scheme only, since the rest may be private. */
function shown(raw: string): string {
  return raw.replace(/^([a-z0-9+-]+:\/\/).*$/i, '$1…').replace(/^([a-z-]+:)(?!\/).*$/i, '$1…')
}

function printPlace(place: Place): string {
  return `${place.file}:${place.line}:${place.column}`
}
