/** Which target is meant, and the project with that target's keys laid over it. */
import { TARGET_DEFAULT, TARGET_UNKNOWN } from '../errors/reference.ts'
import type { Problem } from '../errors/problem.ts'
import { type ConfigNode, filterEntries, findEntry, findNode, type MapNode, mergeNodes } from './node.ts'
import { suggest } from './suggest.ts'

export interface ChosenTarget {
  name: string
  mode: 'development' | 'production'
  /** The target as written; undefined in a project without targets. */
  written: ConfigNode | undefined
  problems: readonly Problem[]
}

/** The name of the one target of a project that declares none. */
const IMPLICIT = 'default'

/**
 * The target named, else the one marked `default: true`, else the only one. Without `targets` there is one implicit
 * target. The mode is production unless written otherwise: it sends its alerts and asks before it destroys anything.
 */
export function chooseTarget(tree: ConfigNode, wanted: string | undefined): ChosenTarget {
  const targets = findEntry(tree, 'targets')
  const node = targets?.value
  const entries = node?.kind === 'map' ? node.entries : []
  const known = entries.map(entry => entry.key)
  const at = { place: targets?.keyPlace }
  const chosen = (name: string, problems: readonly Problem[] = []): ChosenTarget => {
    const written = entries.find(entry => entry.key === name)?.value
    const mode = findNode(written, ['mode'])
    const isDevelopment = mode?.kind === 'scalar' && mode.value === 'development'
    return { name, mode: isDevelopment ? 'development' : 'production', written, problems }
  }
  if (wanted !== undefined && !known.includes(wanted)) {
    if (known.length === 0 && wanted === IMPLICIT) return chosen(IMPLICIT)
    return chosen(wanted, [TARGET_UNKNOWN({ name: wanted, suggestion: suggest(wanted, known), known }, at)])
  }
  if (wanted !== undefined) return chosen(wanted)
  const first = known[0]
  if (first === undefined) return chosen(IMPLICIT)
  const defaults = entries.filter(entry => {
    const flag = findNode(entry.value, ['default'])
    return flag?.kind === 'scalar' && flag.value === true
  })
  const only = defaults[0]
  if (defaults.length > 1)
    return chosen(first, [TARGET_DEFAULT({ names: defaults.map(one => one.key), reason: 'several' }, at)])
  if (only === undefined && known.length > 1)
    return chosen(first, [TARGET_DEFAULT({ names: known, reason: 'none' }, at)])
  return chosen(only?.key ?? first)
}

/** The project's tree without `targets`, with a target's keys merged over it: maps merge, lists and texts replace. */
export function mergeTarget(tree: MapNode, target: ConfigNode | undefined): MapNode {
  const base = filterEntries(tree, key => key !== 'targets')
  if (target?.kind !== 'map') return base
  return mergeNodes(
    base,
    filterEntries(target, key => key !== 'default' && key !== 'mode'),
  ) as MapNode
}
