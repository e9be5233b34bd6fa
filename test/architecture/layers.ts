/**
 * Which part of the product may know which, as a table with reasons. An import that is not allowed is answered with the
 * rule it breaks; what a lower part must do through a higher one is a function passed in.
 */

interface Layer {
  /** Folders of packages/tidemark/src that share a height; they do not know each other unless `mutual` is set. */
  readonly folders: readonly string[]
  readonly mutual?: true
  /** Why everything below can live without this layer. */
  readonly reason: string
}

/** From the bottom up: a folder may import from any layer before its own. */
export const LAYERS: readonly Layer[] = [
  { folders: ['errors', 'model'], mutual: true, reason: 'the words everything speaks; they do nothing' },
  { folders: ['identity'], reason: 'who this process is for a service is the same for stores, vaults and databases' },
  { folders: ['storage', 'engine'], reason: 'bytes and relational work know nothing of projects and runs' },
  { folders: ['config'], reason: 'what the user wrote is read once, and is a plain value for everything after' },
  { folders: ['sources'], reason: 'a source gives rows and never learns where they go' },
  { folders: ['ingest'], reason: 'bronze is complete without any flow' },
  { folders: ['files'], reason: 'folders are one more way to get rows, beside databases' },
  { folders: ['flows'], reason: 'a flow reads committed versions; who starts it is not its business' },
  { folders: ['catalog'], reason: 'names and lineage describe tables that exist without them' },
  { folders: ['run'], reason: 'runs emit events; whoever listens must be able to fail alone' },
  { folders: ['alerts'], reason: 'an alert that cannot be sent must never stop a run' },
  { folders: ['deploy'], reason: 'environments are compared from outside, by what runs there' },
  { folders: ['report'], reason: 'printing is a reader of events; nothing that works depends on how it looks' },
  { folders: ['server'], reason: 'the server is one more caller of the same library' },
  { folders: ['cli'], reason: 'a command is the last to know' },
]

/** Folders that see less, or are seen by fewer, than their height alone would allow. */
const NARROWER: readonly { importer: RegExp; imported: RegExp; reason: string }[] = [
  {
    importer: /^report$/,
    imported: /^(?!errors$|model$|report$)/,
    reason: 'report reads events and nothing else, so that every reader can show every run',
  },
  {
    importer: /^(?!cli$|report$)/,
    imported: /^report$/,
    reason: 'no printing outside report: only a command decides which reader is used',
  },
]

const TIDEMARK = /^packages\/tidemark\/src\/([^/]+)\//
const DELTA = 'packages/delta/'

/**
 * The rule an import breaks, with its reason; undefined when the import is allowed.
 *
 * @param from   repository path of the importing file
 * @param target repository path of the imported file, or a bare specifier
 */
export function findBrokenRule(from: string, target: string): string | undefined {
  if (from.startsWith(DELTA)) return checkDelta(target)
  if (target.startsWith(DELTA)) return '@tidemark/delta is imported by its name: it is a package of its own'
  if (target.endsWith('.test.ts')) return 'product code never imports a test'
  const importer = TIDEMARK.exec(from)?.[1]
  const imported = TIDEMARK.exec(target)?.[1]
  // src/index.ts stands above all layers, and packages from npm below them.
  if (importer === undefined) return undefined
  if (imported === undefined) return target === 'packages/tidemark/src/index.ts' ? INDEX : undefined
  return checkFolders(importer, imported)
}

const INDEX = 'nothing inside imports src/index.ts: the public surface is for users, and would close a cycle'

function checkDelta(target: string): string | undefined {
  if (target.startsWith(DELTA) || target.startsWith('node:')) return undefined
  return '@tidemark/delta depends on nothing: bytes, Parquet and relational work reach it through what it is given'
}

function checkFolders(importer: string, imported: string): string | undefined {
  if (importer === imported) return undefined
  const [low, high] = [findLayer(importer), findLayer(imported)]
  if (low === undefined || high === undefined) {
    const unknown = low === undefined ? importer : imported
    return `src/${unknown} has no place in test/architecture/layers.ts: give it one, with the reason`
  }
  const narrow = NARROWER.find(rule => rule.importer.test(importer) && rule.imported.test(imported))
  if (narrow !== undefined) return narrow.reason
  if (low === high) return low.mutual ? undefined : `${importer} and ${imported} do not know each other: ${low.reason}`
  return LAYERS.indexOf(low) > LAYERS.indexOf(high)
    ? undefined
    : `${importer} is below ${imported}, because ${high.reason}`
}

function findLayer(folder: string): Layer | undefined {
  return LAYERS.find(layer => layer.folders.includes(folder))
}
