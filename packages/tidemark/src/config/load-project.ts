/**
 * From the files a user wrote to a Project. Everything is read and checked to the end before anything stops, so one
 * look shows every mistake; a project with a mistake is never returned.
 */
import { CONFIG_REFERENCE, VARIABLE_UNDEFINED } from '../errors/reference.ts'
import { type Problem, Problems } from '../errors/problem.ts'
import type { FlowSource } from '../model/flow.ts'
import type { AlertConfig, Project } from '../model/project.ts'
import { buildAlerts } from './alert-config.ts'
import { type FetchText, fetchText } from './fetch-list.ts'
import { defaultFlowPatterns, findFlowFiles, type FlowPattern } from './flow-files.ts'
import { keptSecrets, type SecretOwner } from './known-secrets.ts'
import { buildLake, localFolder } from './lake-config.ts'
import { checkLakeNames, findUnusableNames } from './lake-name.ts'
import { findLiteralSecrets } from './literal-secret.ts'
import { type ConfigNode, findNode, type MapNode, textOf } from './node.ts'
import {
  type Environment,
  findProjectFile,
  type ProjectLocation,
  readEnvironment,
  readProjectText,
} from './project-file.ts'
import { shownPath } from './project-path.ts'
import { type ProjectTree, readProjectTree, readSection } from './project-tree.ts'
import { readSources } from './read-sources.ts'
import type { SecretVault } from './secret.ts'

/** Parses the flow files, given relative to the root with `/`; its problems are collected with the others. */
export type LoadFlows = (
  files: readonly string[],
  root: string,
) => Promise<{ flows: readonly FlowSource[]; problems: readonly Problem[] }>

export interface LoadRequest {
  /** Folder of tidemark.yml; or `file`, its path. The working folder when both are left out. */
  root?: string | undefined
  file?: string | undefined
  /** Name of the target; the default target when left out. */
  target?: string | undefined
  /** Values of `--var`. */
  vars: Readonly<Record<string, string>>
  /** Environment of the process; `.env` of the project completes it. */
  env: Environment
  loadFlows: LoadFlows
  /** How table lists are fetched; tests bring their own. */
  fetch?: FetchText | undefined
  signal?: AbortSignal | undefined
  /** Gives the secrets that vaults keep; without one they cannot be had. */
  vault?: SecretVault | undefined
  /** Whose secrets are fetched from vaults beside those of the lake; all when left out. */
  opens?: readonly SecretOwner[] | undefined
  /** The tables that the command is about, where it was told: of sources that they do not need no secret is fetched. */
  tables?: readonly string[] | undefined
}

export interface LoadedProject {
  project: Project
  /** What is suspicious and stops nothing. */
  warnings: readonly Problem[]
  /** What is wrong with single entries, or with lists kept elsewhere: a run refuses their tables, and the others go on. */
  unusable: readonly Problem[]
  /** The environment with `.env` in it: what `openSecret` needs. */
  env: Environment
  /** Holds what the project wants of it. */
  vault: SecretVault | undefined
}

/**
 * Everything wrong with a project. `reachable` is there when name, lake, target and alerts are right all the same, so
 * that somebody can be told; nothing else of it may be relied on.
 */
export class ProjectProblems extends Problems {
  readonly reachable: LoadedProject | undefined
  constructor(problems: readonly Problem[], reachable: LoadedProject | undefined) {
    super(problems)
    this.reachable = reachable
  }
}

/**
 * Load and check a project. What concerns single tables or one remote list only is in `unusable` and stops nothing by
 * itself.
 *
 * @throws {Problems} with every problem found, ordered by file and line
 */
export async function loadProject(request: LoadRequest): Promise<LoadedProject> {
  const location = await findProjectFile(request).catch((problem: Problem) => {
    throw new Problems([problem])
  })
  const text = await readProjectText(location.root, location.file)
  if (typeof text !== 'string') throw new Problems([text])
  const { env, problems: envProblems } = await readEnvironment(location.root, request.env)
  const tree = readProjectTree({
    file: shownPath(location.root, location.file),
    text,
    target: request.target,
    vars: request.vars,
    env,
  })
  if (tree.body === undefined) throw new Problems(inOrder([...envProblems, ...tree.problems]))
  const { vault, opens = ['sources', 'alerts'], tables } = request
  const built = await buildProject({ ...tree, body: tree.body }, location, { ...request, env })
  await vault?.fetch(keptSecrets(built.project, opens, tables))
  const unplanned = built.problems.filter(one => !tree.isPlanned(one.place))
  const problems = [...envProblems, ...tree.problems, ...unplanned]
  if (problems.length > 0) {
    const reachable =
      built.canAlert && envProblems.length === 0
        ? { project: built.project, warnings: [], unusable: [], env, vault }
        : undefined
    throw new ProjectProblems(inOrder(withoutEchoes([...problems, ...built.unusable])), reachable)
  }
  const warnings = inOrder([...tree.warnings, ...built.warnings])
  return { project: built.project, warnings, unusable: inOrder(built.unusable), env, vault }
}

interface Built {
  project: Project
  /** Name, lake and alerts are right, whatever else is wrong. */
  canAlert: boolean
  problems: readonly Problem[]
  warnings: readonly Problem[]
  unusable: readonly Problem[]
}

async function buildProject(
  tree: ProjectTree & { body: MapNode },
  location: ProjectLocation,
  request: LoadRequest,
): Promise<Built> {
  const { root } = location
  const { body, target } = tree
  const isProduction = target.mode === 'production'
  const literals = findLiteralSecrets(body)
  const { lake, problems: lakeProblems } = buildLake(body, root)
  const sources = await readSources(body, {
    scope: tree.scope,
    secrets: { env: request.env, root, vault: request.vault },
    isProduction,
    fetchText: request.fetch ?? fetchText,
    local: lake?.remote?.local ?? localFolder(root),
    signal: request.signal ?? new AbortController().signal,
  })
  const alerts = readAlerts(body)
  const flows = await readFlows(body, root, request.loadFlows)
  const project: Project = {
    name: textOf(findNode(body, ['name'])) ?? '',
    catalog: catalogName(tree, request.env),
    root,
    lake: lake?.lake ?? root,
    remote: lake?.remote,
    target,
    sources: sources.sources,
    tables: sources.tables,
    flows: flows.flows,
    alerts: alerts.alerts,
    variables: tree.variables,
    engineMemory: textOf(findNode(body, ['engine_memory'])),
    parallel: Number(textOf(findNode(body, ['parallel'])) ?? 4),
  }
  return {
    project,
    canAlert: lake !== undefined && alerts.problems.length === 0 && project.name !== '',
    problems: [
      ...lakeProblems,
      ...sources.problems,
      ...checkLakeNames(sources.tables),
      ...alerts.problems,
      ...flows.problems,
      ...(isProduction ? literals : []),
    ],
    warnings: [...sources.warnings, ...flows.warnings, ...(isProduction ? [] : literals)],
    unusable: [...sources.away, ...findUnusableNames(sources.tables)],
  }
}

function readAlerts(body: MapNode): { alerts: AlertConfig; problems: readonly Problem[] } {
  const node = findNode(body, ['alerts'])
  const empty: AlertConfig = { channels: [], rules: [] }
  if (node === undefined) return { alerts: empty, problems: [] }
  const checked = readSection(body, 'alerts')
  return checked?.alerts === undefined ? { alerts: empty, problems: [] } : buildAlerts(checked.alerts, node)
}

async function readFlows(
  body: MapNode,
  root: string,
  loadFlows: LoadFlows,
): Promise<Awaited<ReturnType<LoadFlows>> & { warnings: readonly Problem[] }> {
  const files = await findFlowFiles(root, flowPatterns(findNode(body, ['flows'])))
  const loaded = await loadFlows(files.files, root)
  return { flows: loaded.flows, problems: [...files.problems, ...loaded.problems], warnings: files.warnings }
}

function flowPatterns(node: ConfigNode | undefined): readonly FlowPattern[] {
  if (node === undefined) return defaultFlowPatterns
  return (node.kind === 'list' ? node.items : [node]).flatMap(item => {
    const pattern = textOf(item)
    return pattern === undefined ? [] : [{ pattern, place: item.place }]
  })
}

/** In development every user has a catalog of their own, unless the target names one. */
function catalogName(tree: ProjectTree & { body: MapNode }, env: Environment): string {
  const name = textOf(findNode(tree.body, ['catalog'])) ?? textOf(findNode(tree.body, ['name'])) ?? ''
  if (tree.target.mode === 'production' || tree.targetNamesCatalog) return name
  const user = (env['USER'] ?? env['USERNAME'] ?? env['LOGNAME'] ?? 'user').replaceAll(/[^A-Za-z0-9_]/g, '_')
  return `${name}_dev_${user}`
}

/** A text whose reference is wrong is no address, secret or value either, but only because of that: one mistake, one problem. */
function withoutEchoes(problems: readonly Problem[]): Problem[] {
  const where = ({ place }: Problem): string => JSON.stringify(place ?? '')
  const isReference = ({ code }: Problem): boolean => code === VARIABLE_UNDEFINED.code || code === CONFIG_REFERENCE.code
  const wrongAt = new Set(problems.filter(one => one.place !== undefined && isReference(one)).map(where))
  return problems.filter(one => isReference(one) || !wrongAt.has(where(one)))
}

function inOrder(problems: readonly Problem[]): Problem[] {
  const keyed = new Map(problems.map(one => [`${one.code} ${JSON.stringify(one.place ?? '')} ${one.message}`, one]))
  return [...keyed.values()].sort((a, b) => {
    const [x, y] = [a.place, b.place]
    if (x === undefined || y === undefined) return Number(x !== undefined) - Number(y !== undefined)
    if (x.file !== y.file) return x.file < y.file ? -1 : 1
    return x.line - y.line || x.column - y.column
  })
}
