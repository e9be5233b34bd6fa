/** Exports of a flow file in TypeScript to flow values: shapes checked, names resolved, places looked up in its text. */
import { z } from 'zod'
import type { Place, Problem } from '../../errors/problem.ts'
import { FLOW_EXPORT, FLOW_NAME } from '../../errors/flow.ts'
import type { Dataset, DeclaredFlow, FlowSource, Query } from '../../model/flow.ts'
import type { Expectation } from '../../model/project.ts'
import { findPropertyFault } from '../../model/table-properties.ts'
import { schemaOfFile, tableName } from './name.ts'
import { placeAt } from './place.ts'

const name = z.string().min(1)
const rule = z.strictObject({ name, expression: name, onViolation: z.enum(['warn', 'drop', 'fail']) })
const written = { query: name, dialect: z.enum(['portable', 'duckdb']) }
const properties = z.record(z.string(), z.string()).superRefine((all, context) => {
  for (const [key, value] of Object.entries(all)) {
    const expected = findPropertyFault(key, value)
    if (expected !== undefined) context.addIssue({ code: 'custom', message: `must be ${expected}`, path: [key] })
  }
})
const described = { expectations: z.array(rule), properties: properties.optional(), comment: z.string().optional() }
const shape = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('streaming table'), name, ...described }),
  z.strictObject({ kind: z.literal('materialized view'), name, ...written, ...described }),
  z.strictObject({ kind: z.literal('temporary view'), name, ...written }),
  z.strictObject({ kind: z.literal('append'), name: name.optional(), target: name, ...written }),
  z.strictObject({
    kind: z.literal('auto cdc'),
    name: name.optional(),
    target: name,
    source: name,
    keys: z.array(name).min(1),
    sequenceBy: name,
    applyAsDeleteWhen: name.optional(),
    scdType: z.union([z.literal(1), z.literal(2)]),
  }),
])
type Shape = z.infer<typeof shape>

/** What a module exports, as one flow source. Problems stand at the export, texts where they are found verbatim. */
export function readDefinitions(
  file: string,
  text: string,
  exports: Readonly<Record<string, unknown>>,
): { source: FlowSource | undefined; problems: Problem[] } {
  const problems: Problem[] = []
  const datasets: Dataset[] = []
  const flows: DeclaredFlow[] = []
  // Order of the text, not of the module's namespace, which is alphabetical.
  const byPlace = Object.entries(exports)
    .map(([key, value]) => ({ key, value, offset: offsetOf(text, key) }))
    .sort((a, b) => a.offset - b.offset)
  for (const { key, value, offset } of byPlace) {
    const place = placeAt(text, offset, { file, line: 1, column: 1 })
    const parsed = shape.safeParse(value)
    if (key === 'default' || !parsed.success) {
      problems.push(FLOW_EXPORT({ export: key, reason: reasonOf(key, value, parsed.error) }, { place }))
      continue
    }
    const definition = resolveNames(parsed.data, file, place, problems)
    const made = readDefinition(definition, key, place, found => placeOfText(text, found, place))
    if (made.kind === 'append' || made.kind === 'auto cdc') flows.push(made)
    else datasets.push(made)
  }
  return { source: problems.length === 0 ? { file, datasets, flows } : undefined, problems }
}

function reasonOf(key: string, value: unknown, error: z.ZodError | undefined): string {
  if (key === 'default') return 'a flow is exported under a name'
  if (typeof value !== 'object' || value === null) return `a ${typeof value} is neither a dataset nor a flow`
  const issue = error?.issues[0]
  if (!issue || !('kind' in value)) return 'this object was not made by one of the functions for flows'
  return `${issue.path.join('.') || 'it'}: ${issue.message}`
}

function offsetOf(text: string, key: string): number {
  const declared = new RegExp(`^export\\s+(?:const|let|var)\\s+${key.replaceAll('$', '\\$')}\\b`, 'm').exec(text)
  return declared?.index ?? 0
}

/** Where a query or condition stands, when the file holds it as it is; else the place of its export. */
function placeOfText(text: string, found: string, otherwise: Place): Place {
  const offset = text.indexOf(found)
  return offset < 0 ? otherwise : placeAt(text, offset, { file: otherwise.file, line: 1, column: 1 })
}

function resolveNames(definition: Shape, file: string, place: Place, problems: Problem[]): Shape {
  const full = (written: string): string => {
    const resolved = tableName(written.split('.'), schemaOfFile(file))
    if (!resolved)
      problems.push(FLOW_NAME({ name: written, why: 'a name has at most two parts, schema.table' }, { place }))
    return resolved ?? written
  }
  const target = (written: string): string => {
    const resolved = full(written)
    if (!/^(silver|gold)\./.test(resolved)) {
      problems.push(FLOW_NAME({ name: resolved, why: 'a flow fills tables of silver or gold' }, { place }))
    }
    return resolved
  }
  if (definition.kind === 'append') return { ...definition, target: target(definition.target) }
  if (definition.kind === 'auto cdc') {
    return { ...definition, target: target(definition.target), source: full(definition.source) }
  }
  return { ...definition, name: target(definition.name) }
}

function readDefinition(
  definition: Shape,
  key: string,
  place: Place,
  placeOf: (text: string) => Place,
): Dataset | DeclaredFlow {
  switch (definition.kind) {
    case 'streaming table': {
      const { kind, name, comment, expectations, properties } = definition
      return { kind, name, expectations: placed(expectations, placeOf), properties, ...(comment && { comment }), place }
    }
    case 'materialized view': {
      const { kind, name, comment, properties } = definition
      const query = queryOf(definition, placeOf)
      const expectations = placed(definition.expectations, placeOf)
      return { kind, name, query, expectations, properties, ...(comment && { comment }), place }
    }
    case 'temporary view':
      return { kind: definition.kind, name: definition.name, query: queryOf(definition, placeOf), place }
    case 'append': {
      const { kind, name, target } = definition
      return { kind, name: name ?? key, target, query: queryOf(definition, placeOf), place }
    }
    case 'auto cdc': {
      const { name, applyAsDeleteWhen, ...rest } = definition
      return { ...rest, name: name ?? key, applyAsDeleteWhen, place }
    }
  }
}

function placed(expectations: readonly Expectation[], placeOf: (text: string) => Place): Expectation[] {
  return expectations.map(e => ({ ...e, place: placeOf(e.expression) }))
}

function queryOf(written: { query: string; dialect: Query['dialect'] }, placeOf: (text: string) => Place): Query {
  const text = written.query.trim().replace(/[\s;]+$/, '')
  return { text, dialect: written.dialect, place: placeOf(text) }
}
