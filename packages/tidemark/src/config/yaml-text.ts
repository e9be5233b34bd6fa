/** YAML text to a ConfigNode: one document, unique keys, no custom tags, aliases resolved within a limit. */
import { type Alias, isAlias, isMap, isScalar, isSeq, LineCounter, type Node, parseDocument } from 'yaml'
import { CONFIG_SYNTAX } from '../errors/config.ts'
import type { Problem } from '../errors/problem.ts'
import type { ConfigNode, MapEntry } from './node.ts'
import type { SourceText } from './source-text.ts'
import { rightForm } from './wrong-reference.ts'

/** What aliases may multiply a file to. A list of ten thousand tables stays far below. */
const MAX_NODES = 500_000

export interface Parsed {
  /** Undefined when the text is too broken to go on. */
  node: ConfigNode | undefined
  problems: readonly Problem[]
}

/**
 * Parse YAML 1.2. An empty file is an empty map. Every syntax error is reported, but not what only follows from one
 * before it on its line; then there is no node.
 */
export function parseYaml(source: SourceText): Parsed {
  const doc = parseDocument(source.text, {
    lineCounter: new LineCounter(),
    prettyErrors: false,
    keepSourceTokens: true,
  })
  const problems = firstOfEachLine(
    [...doc.errors, ...doc.warnings].map(error =>
      CONFIG_SYNTAX(explainBraces(source.text, error.pos[0]) ?? explainYaml(error.code, error.message), {
        place: source.place(error.pos[0], error.pos[1]),
      }),
    ),
  )
  if (problems.length > 0) return { node: undefined, problems }
  if (doc.contents === null) return { node: { kind: 'map', entries: [], place: source.place(0) }, problems }
  let nodes = 0
  // The library looks through the whole document for an anchor; a file with many aliases would take quadratic time.
  const resolved = new Map<Alias, Node | undefined>()
  const resolveAlias = (alias: Alias): Node | undefined => {
    if (!resolved.has(alias)) resolved.set(alias, alias.resolve(doc))
    return resolved.get(alias)
  }
  const fail = (node: Node, reason: string): ConfigNode => {
    problems.push(CONFIG_SYNTAX({ format: 'YAML', reason }, { place: placeOf(node) }))
    return { kind: 'scalar', value: null, raw: '', place: placeOf(node) }
  }
  const placeOf = (node: Node) => source.place(node.range?.[0] ?? 0, node.range?.[1] ?? 1)
  const entryOf = (key: unknown, value: unknown, around: Node): MapEntry => {
    const keyNode = isScalar(key) ? key : undefined
    const keyPlace = placeOf(keyNode ?? around)
    const text = keyNode === undefined ? '' : String(keyNode.value ?? '')
    if (keyNode === undefined) fail(around, 'a key is not a plain text')
    const converted: ConfigNode =
      value === null || value === undefined
        ? { kind: 'scalar', value: null, raw: '', place: keyPlace }
        : convert(value as Node, [])
    return { key: text, keyPlace, value: converted }
  }
  const convert = (node: Node, aliases: readonly string[]): ConfigNode => {
    if (++nodes > MAX_NODES)
      return nodes === MAX_NODES + 1 ? fail(node, 'its aliases multiply it beyond all use') : nothing(node)
    if (isAlias(node)) {
      const target = aliases.includes(node.source) ? undefined : resolveAlias(node)
      if (target === undefined) return fail(node, `the alias *${node.source} stands for nothing`)
      return { ...convertWithin(target, [...aliases, node.source]), place: placeOf(node) }
    }
    return convertWithin(node, aliases)
  }
  const nothing = (node: Node): ConfigNode => ({ kind: 'scalar', value: null, raw: '', place: placeOf(node) })
  const convertWithin = (node: Node, aliases: readonly string[]): ConfigNode => {
    if (isSeq<Node>(node))
      return { kind: 'list', items: node.items.map(item => convert(item, aliases)), place: placeOf(node) }
    if (isMap(node)) {
      return { kind: 'map', entries: node.items.map(pair => entryOf(pair.key, pair.value, node)), place: placeOf(node) }
    }
    if (!isScalar(node)) return fail(node, 'this node is not readable')
    const { value } = node
    const plain = typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' || value === null
    return plain
      ? { kind: 'scalar', value, raw: node.source ?? String(value ?? ''), place: placeOf(node) }
      : fail(node, 'this value is not text, number, true, false or null')
  }
  const node = convert(doc.contents, [])
  return { node: problems.length > 0 ? undefined : node, problems }
}

/** A reader that lost its way stumbles over every word up to the end of the line. */
function firstOfEachLine(problems: readonly Problem[]): Problem[] {
  const lines = new Set<number | undefined>()
  return problems.filter(({ place }) => {
    if (lines.has(place?.line)) return false
    lines.add(place?.line)
    return true
  })
}

/** `{ url: ${X} }`: to YAML the brace behind the dollar opens a map inside the map. */
function explainBraces(text: string, at: number): { format: string; reason: string; fix: string } | undefined {
  const written = text[at - 1] === '$' ? /^\$\{[^{}\n]*\}/.exec(text.slice(at - 1))?.[0] : undefined
  if (written === undefined) return undefined
  const fix = rightForm(written)?.right ?? `Write "${written}", or give the value a line of its own.`
  return { format: 'YAML', reason: `${written} is not in quotes inside { }`, fix }
}

function explainYaml(code: string, message: string): { format: string; reason: string; fix?: string } {
  const reason = message.replace(/\.$/, '').replace(/^[A-Z](?=[a-z])/, letter => letter.toLowerCase())
  switch (code) {
    case 'DUPLICATE_KEY':
      return { format: 'YAML', reason: 'the key is given twice', fix: 'Keep one of the two.' }
    case 'TAB_AS_INDENT':
      return { format: 'YAML', reason: 'a tab is used to indent', fix: 'Indent with blanks.' }
    case 'TAG_RESOLVE_FAILED':
      return {
        format: 'YAML',
        reason: 'tags such as !name are not used here',
        fix: 'Remove the tag, or quote the text.',
      }
    case 'MULTIPLE_DOCS':
      return { format: 'YAML', reason: 'there is more than one document in the file', fix: 'Remove the line `---`.' }
    default:
      return { format: 'YAML', reason }
  }
}
