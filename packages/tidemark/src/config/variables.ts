/** `${var.x}`, `${target}` and `${name}` in any text of the project; other notations get the form that works here. */
import { CONFIG_VALUE } from '../errors/config.ts'
import { CONFIG_REFERENCE, VARIABLE_UNDEFINED } from '../errors/reference.ts'
import type { Problem } from '../errors/problem.ts'
import { type ConfigNode, findEntry, findNode, type MapNode, mapScalars, type ScalarNode } from './node.ts'
import { rightForm } from './wrong-reference.ts'
import { suggest } from './suggest.ts'

/** What can be referred to. A declared variable without a value is `undefined`. */
export interface Scope {
  variables: ReadonlyMap<string, string | undefined>
  /** `target` and `name`, and the bundle's spelling of them. */
  builtins: Readonly<Record<string, string>>
}

export interface VariableSources {
  /** Base tree of tidemark.yml; its `variables` declare. */
  base: ConfigNode
  /** The chosen target, which may set values. */
  target: ConfigNode | undefined
  vars: Readonly<Record<string, string>>
  env: Readonly<Record<string, string | undefined>>
  builtins: Readonly<Record<string, string>>
}

/**
 * The value of each declared variable: `--var`, else `TIDEMARK_VAR_name`, else the target's, else the default. A
 * `--var` for a variable that nobody declares is a problem, since it would do nothing.
 */
export function openScope(sources: VariableSources): { scope: Scope; problems: readonly Problem[] } {
  const declared = new Map<string, string | undefined>()
  for (const tree of [sources.base, sources.target]) {
    const node = findNode(tree, ['variables'])
    if (node?.kind !== 'map') continue
    for (const { key, value } of node.entries) declared.set(key, defaultText(value) ?? declared.get(key))
  }
  const problems: Problem[] = []
  const names = [...declared.keys()]
  for (const name of Object.keys(sources.vars)) {
    if (!declared.has(name))
      problems.push(VARIABLE_UNDEFINED({ name, suggestion: suggest(name, names), declared: false }))
  }
  for (const name of names) {
    declared.set(name, sources.vars[name] ?? sources.env[`TIDEMARK_VAR_${name}`] ?? declared.get(name))
  }
  return { scope: { variables: declared, builtins: sources.builtins }, problems }
}

function defaultText(node: ConfigNode): string | undefined {
  const value = node.kind === 'map' ? findEntry(node, 'default')?.value : node
  if (value?.kind !== 'scalar' || value.value === null) return undefined
  return typeof value.value === 'string' ? value.value : value.raw
}

/**
 * Replace the references in every text of a tree; `$${` stands for `${`. Each reference without a value, and each
 * written in a form of another tool, is a problem at its text and stays as it was.
 */
export function replaceVariables(tree: ConfigNode, scope: Scope): { node: ConfigNode; problems: readonly Problem[] } {
  const problems: Problem[] = []
  const node = mapScalars(tree, (scalar, path) => {
    if (typeof scalar.value !== 'string') return scalar
    // Data may well read `$X` or `{{`: inside a transformation only `${` has a meaning.
    const other = path.includes('transform') ? undefined : rightForm(scalar.value)
    if (other !== undefined) {
      problems.push(CONFIG_REFERENCE(other, { place: scalar.place }))
      return scalar
    }
    const text = scalar.value.replace(/\$\$\{|\$\{([^{}]*)\}/g, (written: string, inside: string | undefined) => {
      if (inside === undefined) return '${'
      const found = lookUp(inside.trim(), scope, scalar)
      if (typeof found === 'string') return found
      problems.push(found)
      return written
    })
    return text === scalar.value ? scalar : { ...scalar, value: text, raw: text, replaced: true }
  })
  return { node, problems }
}

function lookUp(reference: string, scope: Scope, scalar: ScalarNode): string | Problem {
  const builtin = Object.hasOwn(scope.builtins, reference) ? scope.builtins[reference] : undefined
  if (builtin !== undefined) return builtin
  const name = /^var\.(.+)$/.exec(reference)?.[1]
  const at = { place: scalar.place }
  if (name === undefined) {
    const right = suggest(reference, [...scope.variables.keys()])
    const hint =
      right === undefined
        ? 'Only ${var.name}, ${target} and ${name} are replaced; write $${ for the characters themselves.'
        : `Write \${var.${right}}.`
    return CONFIG_REFERENCE({ written: `\${${reference}}`, right: hint }, at)
  }
  const value = scope.variables.get(name)
  if (value !== undefined) return value
  const declared = scope.variables.has(name)
  return VARIABLE_UNDEFINED({ name, suggestion: suggest(name, [...scope.variables.keys()]), declared }, at)
}

/** References inside `variables` would depend on their order, so there are none. */
export function checkVariables(base: MapNode): readonly Problem[] {
  const problems: Problem[] = []
  const variables = findNode(base, ['variables'])
  if (variables === undefined) return problems
  mapScalars(variables, (scalar, path) => {
    if (typeof scalar.value === 'string' && /\$\{/.test(scalar.value) && path.at(-1) !== 'description') {
      problems.push(
        CONFIG_VALUE(
          {
            key: ['variables', ...path].join('.'),
            expected: 'a plain value',
            hint: 'A variable cannot refer to another one; give the value in each target.',
          },
          { place: scalar.place },
        ),
      )
    }
    return scalar
  })
  return problems
}
