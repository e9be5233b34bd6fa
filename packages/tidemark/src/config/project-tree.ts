/** tidemark.yml as one checked tree: parsed, the target laid over it, variables replaced. Pure. */
import type { Place, Problem } from '../errors/problem.ts'
import { CONFIG_SYNTAX } from '../errors/config.ts'
import { check } from './check.ts'
import { type ConfigNode, filterEntries, findEntry, findNode, type MapEntry, type MapNode, textOf } from './node.ts'
import { findPlanned, plannedInProject } from './planned.ts'
import type { Environment } from './project-file.ts'
import { type ProjectInput, projectSchema, targetsSchema } from './project-schema.ts'
import { sourceText } from './source-text.ts'
import { chooseTarget, mergeTarget } from './targets.ts'
import { checkVariables, openScope, replaceVariables, type Scope } from './variables.ts'
import { parseYaml } from './yaml-text.ts'

export interface ProjectTree {
  /** Undefined when the file cannot be parsed. */
  body: MapNode | undefined
  target: { name: string; mode: 'development' | 'production' }
  targetNamesCatalog: boolean
  scope: Scope
  /** Variables that have a value. */
  variables: Readonly<Record<string, string>>
  problems: readonly Problem[]
  warnings: readonly Problem[]
  /** Whether the text at a place is refused as planned, so that nothing else need be said about it. */
  isPlanned: (place: Place | undefined) => boolean
}

export interface TreeRequest {
  file: string
  text: string
  target: string | undefined
  vars: Readonly<Record<string, string>>
  env: Environment
}

/** Read the tree of the chosen target; the other targets are checked too, as far as that goes without variables. */
export function readProjectTree(request: TreeRequest): ProjectTree {
  const parsed = parseYaml(sourceText(request.file, request.text))
  const root = parsed.node
  const chosen = chooseTarget(root ?? emptyMap(request.file), request.target)
  const target = { name: chosen.name, mode: chosen.mode }
  const nothing = {
    target,
    targetNamesCatalog: false,
    scope: { variables: new Map(), builtins: {} },
    variables: {},
    warnings: [],
    isPlanned: () => false,
  }
  if (root === undefined) return { ...nothing, body: undefined, problems: parsed.problems }
  if (root.kind !== 'map') {
    const reason = 'the project is not a map of keys'
    const fix = 'Begin with `name:` and `sources:`.'
    return {
      ...nothing,
      body: undefined,
      problems: [CONFIG_SYNTAX({ format: 'YAML', reason, fix }, { place: { ...root.place, length: 1 } })],
    }
  }
  const merged = mergeTarget(root, chosen.written)
  const builtins = builtinsOf(textOf(findNode(merged, ['name'])) ?? '', chosen.name)
  const { scope, problems: scopeProblems } = openScope({
    base: root,
    target: chosen.written,
    vars: request.vars,
    env: request.env,
    builtins,
  })
  const replaced = replaceVariables(
    filterEntries(merged, key => key !== 'variables'),
    scope,
  )
  const variablesEntry = findEntry(merged, 'variables')
  const body: MapNode = replaced.node.kind === 'map' ? replaced.node : merged
  const whole = variablesEntry === undefined ? body : { ...body, entries: [...body.entries, variablesEntry] }
  const shape = checkBody(whole, ['targets'])
  return {
    body,
    target,
    targetNamesCatalog: findEntry(chosen.written, 'catalog') !== undefined,
    scope,
    variables: Object.fromEntries(
      [...scope.variables].flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
    ),
    problems: [
      ...chosen.problems,
      ...scopeProblems,
      ...checkVariables(merged),
      ...replaced.problems,
      ...shape.problems,
      ...checkTargets(root),
    ],
    warnings: [],
    isPlanned: shape.isPlanned,
  }
}

function builtinsOf(name: string, target: string): Record<string, string> {
  return { target, name, 'bundle.target': target, 'bundle.name': name }
}

function checkBody(
  body: MapNode,
  alsoKnown: readonly string[] = [],
): {
  problems: readonly Problem[]
  isPlanned: ProjectTree['isPlanned']
} {
  const planned = findPlanned(body, plannedInProject)
  const checked = check(projectSchema, withoutInlineLists(body), { what: 'tidemark.yml', alsoKnown })
  const unplanned = checked.problems.filter(one => !planned.covers(one.place))
  return { problems: [...planned.problems, ...unplanned], isPlanned: planned.covers }
}

function checkTargets(root: MapNode): Problem[] {
  const targets = findEntry(root, 'targets')?.value
  if (targets === undefined) return []
  const shape = check(targetsSchema, targets, { what: 'tidemark.yml', path: ['targets'] }).problems
  if (targets.kind !== 'map') return [...shape]
  const merged = targets.entries.flatMap(({ value }) => checkBody(mergeTarget(root, value)).problems)
  const open = openPlaces(root)
  return [...shape, ...merged.filter(one => one.place === undefined || !open.has(printPlace(one.place)))]
}

/** Places of texts whose variables are not replaced: what they will be is not known for every target. */
function openPlaces(root: ConfigNode): Set<string> {
  const places = new Set<string>()
  const visit = (node: ConfigNode): void => {
    if (node.kind === 'list') for (const item of node.items) visit(item)
    else if (node.kind === 'map') for (const entry of node.entries) visit(entry.value)
    else if (typeof node.value === 'string' && node.value.includes('${')) places.add(printPlace(node.place))
  }
  visit(root)
  return places
}

function printPlace(place: Place): string {
  return `${place.line}:${place.column}`
}

/** Lists written inline are checked entry by entry where they are read, after their dialect is known. */
function withoutInlineLists(body: MapNode): MapNode {
  return mapEntry(body, 'sources', sources => {
    if (sources.kind !== 'map') return sources
    const detach = (source: ConfigNode): ConfigNode =>
      source.kind === 'map'
        ? mapEntry(source, 'tables', list => (list.kind === 'list' ? { ...list, items: [] } : list))
        : source
    return { ...sources, entries: sources.entries.map(entry => ({ ...entry, value: detach(entry.value) })) }
  })
}

function mapEntry(node: MapNode, key: string, change: (value: ConfigNode) => ConfigNode): MapNode {
  return {
    ...node,
    entries: node.entries.map(entry => (entry.key === key ? { ...entry, value: change(entry.value) } : entry)),
  }
}

/**
 * One part of the project by itself, checked; undefined when it is wrong, which `readProjectTree` has reported. Lets
 * the other parts be read although one is wrong. For `sources`, `only` names the source.
 */
export function readSection(
  body: MapNode,
  key: 'alerts' | 'lake_options' | 'silver' | 'sources',
  only?: string,
): ProjectInput | undefined {
  const entry = findEntry(withoutInlineLists(body), key)
  if (entry === undefined) return undefined
  const value =
    only !== undefined && entry.value.kind === 'map' ? filterEntries(entry.value, name => name === only) : entry.value
  const text = (written: string): ConfigNode => ({ kind: 'scalar', value: written, raw: written, place: body.place })
  const needed: MapEntry[] = [
    { key: 'name', keyPlace: body.place, value: text('name') },
    { key: 'sources', keyPlace: body.place, value: { ...emptyMap(body.place.file) } },
  ]
  const entries = [...needed.filter(one => one.key !== key), { ...entry, value }]
  return check(projectSchema, { ...body, entries }, { what: 'tidemark.yml' }).value
}

function emptyMap(file: string): MapNode {
  return { kind: 'map', entries: [], place: { file, line: 1, column: 1 } }
}
