/** docs/reference/configuration.md from the JSON Schemas of tidemark.yml and of the table list. */
import { code, pageHead, printMarkdownTable } from './markdown.ts'

/** The part of JSON Schema that our schemas use. */
export interface JsonSchema {
  type?: string | string[]
  description?: string
  default?: unknown
  enum?: readonly unknown[]
  const?: unknown
  properties?: Readonly<Record<string, JsonSchema>>
  required?: readonly string[]
  additionalProperties?: boolean | JsonSchema
  items?: JsonSchema
  anyOf?: readonly JsonSchema[]
  oneOf?: readonly JsonSchema[]
  $ref?: string
  $defs?: Readonly<Record<string, JsonSchema>>
}

/** Every key of both files with its type, default and meaning. */
export function printConfiguration(schemas: { project: JsonSchema; tableList: JsonSchema }): string {
  const table = (rows: string[][]): string => printMarkdownTable(['key', 'value', 'default', 'meaning'], rows)
  const project = listKeys(schemas.project, '', schemas.project)
  // A list may stand inside another document, under many names; its entries are the same in every form.
  const list = schemas.tableList.anyOf?.[0] ?? schemas.tableList
  const entry = listKeys(list.items ?? list, '', schemas.tableList)
  return `${pageHead('Configuration', 'the schemas in packages/tidemark/src/config')}
Unknown keys are errors. A secret is written as \`{ secret: env:NAME }\`, \`{ secret: file:path }\`, \`{ secret: azure-kv:vault/name }\` or \`{ secret: aws-sm:name }\`, never as a value.
\`<name>\` stands for a name of your choice, \`[]\` for each item of a list. **Bold** keys are required where their
parent is written.

## tidemark.yml

${table(project)}
## The table list

The entries of a list: a JSON or YAML file, an https address, or written in place under \`tables\`.

${table(entry)}`
}

/** Keys that are described in another place: nothing below them is listed. */
const elsewhere = /^(sources\.<name>\.tables\[\]|silver\.defaults|targets\.<name>\..+)$/
/** What a target repeats of the keys above it. */
const ofTarget = /^targets\.<name>\.(?!(default|mode)$)/

/** Rows for the keys below a schema, depth first, in the order they are declared. */
function listKeys(schema: JsonSchema, path: string, root: JsonSchema): string[][] {
  const here = resolve(schema, root)
  if (elsewhere.test(path) || isSecret(here)) return []
  const choices = [...(here.anyOf ?? []), ...(here.oneOf ?? [])]
  const rows = choices.flatMap(choice => listKeys(choice, path, root))
  for (const [key, property] of Object.entries(here.properties ?? {})) {
    const child = resolve(property, root)
    const at = path === '' ? key : `${path}.${key}`
    if (ofTarget.test(at)) continue
    const shown = here.required?.includes(key) === true ? `**${code(at)}**` : code(at)
    const fallback = child.default === undefined ? '' : code(JSON.stringify(child.default))
    rows.push([shown, valueText(child, root), fallback, property.description ?? child.description ?? ''])
    rows.push(...listKeys(child, at, root))
  }
  if (typeof here.additionalProperties === 'object') {
    rows.push(...listKeys(here.additionalProperties, path === '' ? '<name>' : `${path}.<name>`, root))
  }
  if (here.items !== undefined) rows.push(...listKeys(here.items, path === '' ? '' : `${path}[]`, root))
  return rows.filter((row, i) => rows.findIndex(other => other[0] === row[0]) === i)
}

function valueText(schema: JsonSchema, root: JsonSchema): string {
  const here = resolve(schema, root)
  if (here.const !== undefined) return code(JSON.stringify(here.const))
  if (here.enum !== undefined)
    return here.enum.map(one => code(JSON.stringify(one).replace(/^"(.*)"$/, '$1'))).join(', ')
  const choices = [...(here.anyOf ?? []), ...(here.oneOf ?? [])]
  if (choices.length > 0) return [...new Set(choices.map(choice => valueText(choice, root)))].join(' or ')
  if (here.type === 'array') return here.items === undefined ? 'list' : `list of ${valueText(here.items, root)}`
  if (here.type === 'object') return isSecret(here) ? 'secret' : 'map'
  return here.type === undefined ? 'any' : [here.type].flat().join(' or ')
}

function isSecret(schema: JsonSchema): boolean {
  return Object.keys(schema.properties ?? {}).join() === 'secret'
}

function resolve(schema: JsonSchema, root: JsonSchema): JsonSchema {
  if (schema.$ref === undefined) return schema
  const name = /^#\/\$defs\/(.+)$/.exec(schema.$ref)?.[1]
  if (schema.$ref === '#') return root
  const found = name === undefined ? undefined : root.$defs?.[name]
  if (found === undefined) throw new Error(`the schema refers to ${schema.$ref}, which it does not define`)
  return { ...found, ...(schema.description === undefined ? {} : { description: schema.description }) }
}
