/** The JSON Schemas that give editors help and warnings; printed from the same schemas that validate. */
import { z } from 'zod'
import { projectSchema, targetsSchema } from './project-schema.ts'
import { listWrappers } from './list-dialect.ts'
import { entrySchema } from './table-list-schema.ts'

type JsonSchema = Record<string, unknown>

const draft = 'https://json-schema.org/draft/2020-12/schema'

/** File name in the package's `schema/` folder, and its text. The same code always prints the same text. */
export function printJsonSchemas(): Readonly<Record<'tidemark.schema.json' | 'table-list.schema.json', string>> {
  return {
    'tidemark.schema.json': print(projectJsonSchema()),
    'table-list.schema.json': print(listJsonSchema()),
  }
}

function print(schema: JsonSchema): string {
  return `${JSON.stringify(schema, null, 2)}\n`
}

function toJson(schema: z.ZodType): JsonSchema {
  const { $schema: _, ...json } = z.toJSONSchema(schema, { io: 'input' }) as JsonSchema
  return json
}

function projectJsonSchema(): JsonSchema {
  const body = toJson(projectSchema)
  const targets = toJson(targetsSchema)
  const ofTarget = targets['additionalProperties'] as JsonSchema
  const partial = withoutRequired(body) as JsonSchema
  const properties = { ...(ofTarget['properties'] as JsonSchema), ...(partial['properties'] as JsonSchema) }
  return {
    $schema: draft,
    title: 'tidemark.yml',
    ...body,
    properties: {
      ...(body['properties'] as JsonSchema),
      targets: {
        ...targets,
        description: 'Environments: each may change any key above; maps merge, lists replace.',
        additionalProperties: { type: 'object', properties, additionalProperties: false },
      },
    },
  }
}

function listJsonSchema(): JsonSchema {
  const list = { $ref: '#/$defs/list' }
  const wrapped = (key: string): JsonSchema => ({ type: 'object', properties: { [key]: list }, required: [key] })
  return {
    $schema: draft,
    title: 'A Tidemark table list',
    anyOf: [list, ...listWrappers.map(wrapped)],
    $defs: { list: { type: 'array', items: toJson(entrySchema) } },
  }
}

/** What a target writes completes the project, so nothing in it is required. */
function withoutRequired(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutRequired)
  if (value === null || typeof value !== 'object') return value
  const kept = Object.entries(value).filter(([key, inner]) => !(key === 'required' && Array.isArray(inner)))
  return Object.fromEntries(kept.map(([key, inner]) => [key, withoutRequired(inner)]))
}
