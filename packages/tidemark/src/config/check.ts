/** Check a ConfigNode against a zod schema; every issue becomes a Problem at the text that caused it. */
import type { z } from 'zod'
import { CONFIG_MISSING_KEY, CONFIG_UNKNOWN_KEY, CONFIG_VALUE } from '../errors/config.ts'
import type { Problem } from '../errors/problem.ts'
import { knownKeys } from './known-keys.ts'
import { type ConfigNode, findNode, keyPlaceOf, mapScalars, type Path, placeOf, toValue } from './node.ts'
import { suggest } from './suggest.ts'

export interface Checked<T> {
  /** Undefined when there are problems. */
  value: T | undefined
  problems: readonly Problem[]
}

/** What the tree is, for messages: `tidemark.yml` or `a table entry`, and the keys that lead to it. */
export interface Context {
  what: string
  path?: Path
  /** Keys of the tree itself that the schema does not have, because they are read elsewhere. */
  alsoKnown?: readonly string[]
}

type Issue = z.core.$ZodIssue

/** Validate; text that came out of a variable becomes a number, true or false where the schema asks for one. */
export function check<T>(schema: z.ZodType<T>, written: ConfigNode, context: Context): Checked<T> {
  let node = written
  let parsed = schema.safeParse(toValue(node), { reportInput: false })
  if (!parsed.success) {
    node = retypeReplaced(written, issuesOf(parsed.error.issues))
    if (node !== written) parsed = schema.safeParse(toValue(node))
  }
  if (parsed.success) return { value: parsed.data, problems: [] }
  const problems = issuesOf(parsed.error.issues).flatMap(issue => toProblems(issue, schema, node, context))
  return { value: undefined, problems }
}

/** A dotted path for messages: `sources.app.tables[2]`. */
export function printPath(path: Path): string {
  return path.map((step, i) => (typeof step === 'number' ? `[${step}]` : `${i === 0 ? '' : '.'}${step}`)).join('')
}

/** Issues at the top of an alternative that say it is not the one meant. */
const wrongShapes: readonly string[] = ['invalid_type', 'invalid_value']

/** Issues with unions resolved: when one alternative has the right shape, its issues are the ones meant. */
function issuesOf(issues: readonly Issue[], prefix: Path = []): Issue[] {
  return issues.flatMap(issue => {
    const path = [...prefix, ...(issue.path as Path)]
    if (issue.code !== 'invalid_union') return [{ ...issue, path: [...path] }]
    const fitting = issue.errors.filter(
      alternative => !alternative.some(one => one.path.length === 0 && wrongShapes.includes(one.code)),
    )
    const only = fitting.length === 1 ? fitting[0] : undefined
    return only === undefined ? [{ ...issue, path: [...path] }] : issuesOf(only, path)
  })
}

function retypeReplaced(node: ConfigNode, issues: readonly Issue[]): ConfigNode {
  const wanted = new Map(issues.map(issue => [JSON.stringify(issue.path), issue]))
  let changed = false
  const result = mapScalars(node, (scalar, path) => {
    const issue = wanted.get(JSON.stringify(path))
    if (issue?.code !== 'invalid_type' || scalar.replaced !== true) return scalar
    const value = retype(scalar.raw, issue.expected)
    if (value === undefined) return scalar
    changed = true
    return { ...scalar, value }
  })
  return changed ? result : node
}

function retype(text: string, expected: string): number | boolean | undefined {
  if (expected === 'boolean') return text === 'true' ? true : text === 'false' ? false : undefined
  return (expected === 'number' || expected === 'int') && /^-?\d{1,15}$/.test(text) ? Number(text) : undefined
}

function toProblems(issue: Issue, schema: z.ZodType, node: ConfigNode, context: Context): Problem[] {
  const path = issue.path as Path
  const where = (at: Path): string => printPath([...(context.path ?? []), ...at]) || context.what
  const key = printPath([...(context.path ?? []), ...path]) || context.what
  if (issue.code === 'unrecognized_keys') {
    const known = [...knownKeys(schema, path), ...(path.length === 0 ? (context.alsoKnown ?? []) : [])]
    return issue.keys.map(unknown =>
      CONFIG_UNKNOWN_KEY(
        { key: unknown, where: where(path), suggestion: suggest(unknown, known), known },
        { place: keyPlaceOf(node, [...path, unknown]) },
      ),
    )
  }
  if (issue.code === 'invalid_key') {
    const expected = issue.issues[0]?.message ?? 'a name'
    return [CONFIG_VALUE({ key, expected }, { place: keyPlaceOf(node, path) })]
  }
  const found = findNode(node, path)
  if (found === undefined) {
    const around = path.slice(0, -1)
    const hint =
      issue.code === 'invalid_type' && !/^Invalid/.test(issue.message)
        ? `Add \`${String(path.at(-1))}\`: ${issue.message}.`
        : undefined
    return [
      CONFIG_MISSING_KEY(
        { key: String(path.at(-1)), where: where(around), hint },
        { place: around.length > 0 ? keyPlaceOf(node, around) : node.place },
      ),
    ]
  }
  return [
    CONFIG_VALUE({ key, expected: expectedBy(issue), hint: hintFor(issue, found) }, { place: placeOf(node, path) }),
  ]
}

const typeWords: Readonly<Record<string, string>> = {
  string: 'a text',
  array: 'a list',
  object: 'a map of keys',
  record: 'a map of keys',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
}

/** Completes "must be …": our own message where the schema has one. */
function expectedBy(issue: Issue): string {
  if (!/^(Invalid|Too|Unrecognized)/.test(issue.message)) return issue.message
  switch (issue.code) {
    case 'invalid_type':
      return typeWords[issue.expected] ?? issue.expected
    case 'invalid_value':
      return issue.values.length === 1 ? String(issue.values[0]) : `one of ${issue.values.map(String).join(', ')}`
    default:
      return 'another value'
  }
}

function hintFor(issue: Issue, found: ConfigNode): string | undefined {
  if (found.kind !== 'scalar') return undefined
  if (issue.code === 'invalid_value' && typeof found.value === 'string') {
    const word = suggest(found.value, issue.values.map(String))
    return word === undefined ? undefined : `Did you mean "${word}"?`
  }
  const isPlain = typeof found.value === 'number' || typeof found.value === 'boolean'
  const wantsText = issue.code === 'invalid_type' ? issue.expected === 'string' : issue.code === 'invalid_union'
  return isPlain && wantsText ? `Put it in quotes: "${found.raw}".` : undefined
}
