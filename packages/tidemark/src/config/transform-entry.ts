/** Transformations and rules of an entry, from the form they are written in to the model's values. */
import { CONFIG_CONFLICT, CONFIG_VALUE } from '../errors/config.ts'
import type { Problem } from '../errors/problem.ts'
import type { Expectation, SilverConfig } from '../model/project.ts'
import { findPropertyFault, KNOWN_PROPERTIES, type TableProperties } from '../model/table-properties.ts'
import type { Transform } from '../model/transform.ts'
import { type ConfigNode, keyPlaceOf, type Path, placeOf } from './node.ts'
import { printPath } from './check.ts'
import { suggest } from './suggest.ts'
import type { OneOrMany, SilverInput, TransformInput } from './table-list-schema.ts'

const plainTypes: readonly string[] = [
  'string',
  'long',
  'integer',
  'short',
  'byte',
  'float',
  'double',
  'boolean',
  'binary',
  'date',
  'timestamp',
]

const sqlTypes: Readonly<Record<string, string>> = {
  bigint: 'long',
  int: 'integer',
  int4: 'integer',
  int8: 'long',
  smallint: 'short',
  int2: 'short',
  tinyint: 'byte',
  real: 'float',
  float4: 'float',
  float8: 'double',
  bool: 'boolean',
  text: 'string',
  varchar: 'string',
  char: 'string',
  bytea: 'binary',
  numeric: 'decimal(p,s)',
  decimal: 'decimal(p,s)',
  datetime: 'timestamp',
  timestamptz: 'timestamp',
}

/** Build the silver part of an entry. `node` is the same text as a tree, `around` the keys that lead to it. */
export function buildSilver(
  input: SilverInput | undefined,
  node: ConfigNode | undefined,
  around: Path,
): { silver: SilverConfig; problems: readonly Problem[] } {
  if (input === undefined || node === undefined) return { silver: { transform: [], expectations: [] }, problems: [] }
  const problems: Problem[] = []
  const transform = (input.transform ?? []).flatMap((item, i) => {
    const path = ['transform', i]
    const count = Object.values(item).filter(value => value !== undefined).length
    if (count !== 1) {
      const expected = 'one transformation an item'
      const hint =
        count === 0
          ? 'Write for example { trim: user_name }.'
          : 'Write each as its own item: they are applied in order.'
      problems.push(
        CONFIG_VALUE({ key: printPath([...around, ...path]), expected, hint }, { place: placeOf(node, path) }),
      )
      return []
    }
    problems.push(...checkTypes(item, node, path, around))
    return buildTransform(item)
  })
  const { expectations, problems: conflicts } = buildExpectations(input, node, around)
  const { properties, problems: faults } = buildProperties(input, node, around)
  const silver = { transform, expectations, ...(properties === undefined ? {} : { properties }) }
  return { silver, problems: [...problems, ...conflicts, ...faults] }
}

function buildTransform(item: TransformInput): Transform[] {
  const { rename = {}, cast = {}, derive = {}, replace } = item
  return [
    ...Object.entries(rename).map(([from, to]): Transform => ({ kind: 'rename', from, to })),
    ...Object.entries(cast).map(([column, type]): Transform => ({ kind: 'cast', column, type: cleanType(type) })),
    ...many(item.trim).map((column): Transform => ({ kind: 'trim', column })),
    ...many(item.upper).map((column): Transform => ({ kind: 'upper', column })),
    ...many(item.lower).map((column): Transform => ({ kind: 'lower', column })),
    ...(replace === undefined ? [] : [{ kind: 'replace', ...replace } as const]),
    ...Object.entries(derive).map(([column, expression]): Transform => ({ kind: 'derive', column, expression })),
    ...many(item.drop).map((pattern): Transform => ({ kind: 'drop', pattern })),
  ]
}

function many(value: OneOrMany | undefined): string[] {
  return value === undefined ? [] : [value].flat()
}

function cleanType(type: string): string {
  return type.trim().toLowerCase().replaceAll(/\s+/g, '')
}

function checkTypes(item: TransformInput, node: ConfigNode, path: Path, around: Path): Problem[] {
  return Object.entries(item.cast ?? {}).flatMap(([column, type]) => {
    if (isType(cleanType(type))) return []
    const at = [...path, 'cast', column]
    const word = cleanType(type).replace(/\(.*/, '')
    const meant = Object.hasOwn(sqlTypes, word) ? sqlTypes[word] : suggest(word, plainTypes)
    const hint = /^decimal\(/.test(cleanType(type))
      ? 'The precision is 1 to 38, the scale at most the precision.'
      : meant === undefined
        ? undefined
        : `Did you mean ${meant}?`
    const expected = `a type of the lake: ${plainTypes.join(', ')} or decimal(precision,scale)`
    return [CONFIG_VALUE({ key: printPath([...around, ...at]), expected, hint }, { place: placeOf(node, at) })]
  })
}

function isType(type: string): boolean {
  const [, precision, scale] = /^decimal\((\d{1,2}),(\d{1,2})\)$/.exec(type) ?? []
  if (precision === undefined || scale === undefined) return plainTypes.includes(type)
  return Number(precision) >= 1 && Number(precision) <= 38 && Number(scale) <= Number(precision)
}

const actions = [
  ['expect', 'warn'],
  ['expect_or_drop', 'drop'],
  ['expect_or_fail', 'fail'],
] as const

function buildExpectations(
  input: SilverInput,
  node: ConfigNode,
  around: Path,
): { expectations: Expectation[]; problems: Problem[] } {
  const byName = new Map<string, Expectation>()
  const problems: Problem[] = []
  for (const [key, onViolation] of actions) {
    for (const [name, expression] of Object.entries(input[key] ?? {})) {
      if (byName.has(name)) {
        const reason = `Rule ${name} is given twice in ${printPath(around)}`
        problems.push(
          CONFIG_CONFLICT({ reason, hint: 'Give each rule its own name.' }, { place: keyPlaceOf(node, [key, name]) }),
        )
      } else {
        byName.set(name, { name, expression, onViolation, place: placeOf(node, [key, name]) })
      }
    }
  }
  return { expectations: [...byName.values()], problems }
}

function buildProperties(
  { properties }: SilverInput,
  node: ConfigNode,
  around: Path,
): { properties: TableProperties | undefined; problems: Problem[] } {
  if (properties === undefined) return { properties, problems: [] }
  const texts = Object.fromEntries(Object.entries(properties).map(([name, value]) => [name, String(value)]))
  const problems = Object.entries(texts).flatMap(([name, value]) => {
    const expected = findPropertyFault(name, value)
    if (expected === undefined) return []
    const at = ['properties', name]
    const meant = suggest(name, KNOWN_PROPERTIES)
    const hint = KNOWN_PROPERTIES.includes(name) || meant === undefined ? undefined : `Did you mean ${meant}?`
    return [CONFIG_VALUE({ key: printPath([...around, ...at]), expected, hint }, { place: placeOf(node, at) })]
  })
  return { properties: texts, problems }
}

/** The defaults without the rules that the entry names itself, whatever it does about their violation. */
export function withoutOwnRules(defaults: ConfigNode, own: ConfigNode | undefined): ConfigNode {
  if (defaults.kind !== 'map' || own?.kind !== 'map') return defaults
  const rules = new Set(
    own.entries
      .filter(entry => entry.key.startsWith('expect'))
      .flatMap(entry => (entry.value.kind === 'map' ? entry.value.entries.map(rule => rule.key) : [])),
  )
  const entries = defaults.entries.map(entry => {
    if (!entry.key.startsWith('expect') || entry.value.kind !== 'map') return entry
    return { ...entry, value: { ...entry.value, entries: entry.value.entries.filter(rule => !rules.has(rule.key)) } }
  })
  return { ...defaults, entries }
}
