/**
 * The forms in which table lists exist in the world, brought to one: a list of maps with our keys. Pure; works on the
 * positioned tree, so that problems found later still point at the text.
 */
import { CONFIG_CONFLICT } from '../errors/config.ts'
import { LIST_SHAPE } from '../errors/list.ts'
import type { Problem } from '../errors/problem.ts'
import { type ConfigNode, findEntry, findNode, type ListNode, type MapEntry, type MapNode, textOf } from './node.ts'

/** Keys under which a list is wrapped in an object. */
export const listWrappers: readonly string[] = ['loop_input', 'value', 'table_list', 'tables']

const synonyms: Readonly<Record<string, string>> = {
  tableSchemaName: 'schema',
  p_schema: 'schema',
  tableName: 'table',
  p_table: 'table',
  Watermark_Column: 'cdc_col',
  cdc_column: 'cdc_col',
  cdc_timestamp: 'cdc_col',
  p_cdc_col: 'cdc_col',
  backdate: 'from_date',
  p_from_date: 'from_date',
}

/** Keys whose value is text whatever it looks like; a number keeps the digits it was written with. */
const textKeys: readonly string[] = ['schema', 'table', 'cdc_col', 'from_date', 'name', 'primary_key']

/** Keys that mean nothing when empty or null, as exported lists write them. */
const emptyIsMissing: readonly string[] = ['cdc_col', 'from_date', 'primary_key']

/** The entries of a list in any known form: an array, an object around one, a pipeline's parameter, one entry alone. */
export function listEntries(node: ConfigNode): { entries: readonly ConfigNode[]; problems: readonly Problem[] } {
  const list = findList(node)
  if (list !== undefined) return { entries: list.items, problems: [] }
  if (node.kind === 'map' && node.entries.some(entry => canonicalKey(entry.key) === 'table')) {
    return { entries: [node], problems: [] }
  }
  return { entries: [], problems: [LIST_SHAPE({ reason: describe(node) }, { place: { ...node.place, length: 1 } })] }
}

function findList(node: ConfigNode): ListNode | undefined {
  if (node.kind === 'list') return node
  if (node.kind !== 'map') return undefined
  const inner = findNode(node, ['properties', 'parameters']) ?? findEntry(node, 'parameters')?.value
  if (inner?.kind === 'map') return findList(inner)
  const parameter = findEntry(node, 'defaultValue')?.value
  if (parameter?.kind === 'list') return parameter
  for (const { key, value } of node.entries) {
    if (!listWrappers.includes(key)) continue
    if (value.kind === 'list') return value
    const wrapped = findEntry(value, 'defaultValue')?.value
    if (wrapped?.kind === 'list') return wrapped
  }
  return undefined
}

function describe(node: ConfigNode): string {
  if (node.kind === 'scalar') {
    if (node.value === null) return 'is empty'
    return 'is a single value, not a list of entries'
  }
  return `is an object without a list under ${listWrappers.join(', ')}`
}

/**
 * One entry with our keys: synonyms renamed, parameter objects opened, blanks trimmed, empty values removed, keys that
 * begin with `x_` left out. A value given under two names is a problem.
 */
export function normaliseEntry(entry: MapNode): { entry: MapNode; problems: readonly Problem[] } {
  const problems: Problem[] = []
  const entries: MapEntry[] = []
  for (const written of entry.entries) {
    const key = canonicalKey(written.key)
    if (key.startsWith('x_')) continue
    const value = cleanValue(key, openParameter(written.value))
    if (emptyIsMissing.includes(key) && isEmpty(value)) continue
    const other = entries.find(one => one.key === key)
    if (other === undefined) entries.push({ ...written, key, value })
    else {
      const reason = `\`${written.key}\` means \`${key}\`, which this entry gives as well`
      problems.push(CONFIG_CONFLICT({ reason, hint: 'Keep one of the two.' }, { place: written.keyPlace }))
    }
  }
  return { entry: { ...entry, entries }, problems }
}

function canonicalKey(key: string): string {
  return Object.hasOwn(synonyms, key) ? (synonyms[key] ?? key) : key
}

/** `{ "type": "string", "defaultValue": "dbo" }` is `"dbo"`. */
function openParameter(node: ConfigNode): ConfigNode {
  if (node.kind !== 'map' || findEntry(node, 'type') === undefined) return node
  return findEntry(node, 'defaultValue')?.value ?? node
}

function cleanValue(key: string, node: ConfigNode): ConfigNode {
  if (node.kind === 'list') return { ...node, items: node.items.map(item => cleanValue(key, item)) }
  if (node.kind !== 'scalar' || node.value === null || typeof node.value === 'boolean') return node
  if (typeof node.value === 'number') return textKeys.includes(key) ? { ...node, value: node.raw } : node
  return { ...node, value: node.value.trim() }
}

function isEmpty(node: ConfigNode): boolean {
  if (node.kind === 'list') return node.items.length === 0
  return node.kind === 'scalar' && (node.value === null || textOf(node) === undefined)
}
