/** The files `tidemark init` makes, as texts. Pure: what lies on the disk is the writer's business. */
import { databaseOfUrl, typeOfUrl } from './url-type.ts'

/** What init needs to know of a table; a source's description of a table fits. */
export interface InitTable {
  schema: string
  table: string
  kind: string
  columns: readonly { name: string; sourceType: string; orderable: boolean }[]
  primaryKey: readonly string[]
}

export interface InitFile {
  path: string
  text: string
  /** True when only the user may read it. */
  isSecret: boolean
}

const secretName = 'APP_DATABASE_URL'
const listName = 'loop_input.json'
const schemaComment = '# yaml-language-server: $schema=./node_modules/tidemark/schema/tidemark.schema.json'

/**
 * Project, table list and environment for a database. The URL goes to `.env` only; the project refers to it.
 * @throws {CONNECTION_URL} when the URL cannot be read
 */
export function initFiles(request: { url: string; tables: readonly InitTable[] }): readonly InitFile[] {
  const type = typeOfUrl(request.url)
  const database = databaseOfUrl(request.url)
  const tables = request.tables.filter(isTable).toSorted(byName)
  const others = request.tables.filter(table => !isTable(table)).toSorted(byName)
  return [
    file('tidemark.yml', projectText(projectName(database), type, others)),
    file(listName, listText(tables)),
    file('.env.example', envExample),
    file('.gitignore', gitignore),
    { path: '.env', text: `${secretName}=${plainUrl(request.url)}\n`, isSecret: true },
  ]
}

/** A commented project to fill in, for `init` without a database. */
export function starterFiles(name: string): readonly InitFile[] {
  const entry: InitTable = { schema: 'public', table: 'orders', kind: 'table', columns: [], primaryKey: ['order_id'] }
  return [
    file('tidemark.yml', projectText(projectName(name), 'postgres', [])),
    file(listName, listText([entry])),
    file('.env.example', envExample),
    file('.gitignore', gitignore),
  ]
}

const gitignore = '.env\n.tidemark/\nlake/\n'
const envExample = `# Copy to .env and fill in; .env is not committed.\n${secretName}=postgres://user:password@localhost:5432/database\n`

function file(path: string, text: string): InitFile {
  return { path, text, isSecret: false }
}

function isTable(table: InitTable): boolean {
  return table.kind === 'table' || table.kind === 'partitioned table'
}

function byName(a: InitTable, b: InitTable): number {
  const [x, y] = [`${a.schema}.${a.table}`, `${b.schema}.${b.table}`]
  return x < y ? -1 : x > y ? 1 : 0
}

/** A name the project file accepts, from any text. */
function projectName(text: string): string {
  const name = text.replaceAll(/[^A-Za-z0-9_-]+/g, '_').slice(0, 60)
  return /^[A-Za-z_]/.test(name) ? name : `lake_${name}`.replace(/_+$/, '')
}

function projectText(name: string, type: string, leftOut: readonly InitTable[]): string {
  const names = leftOut.map(one => JSON.stringify(`${one.schema}.${one.table}`)).join(', ')
  const note = leftOut.length === 0 ? '' : `    # Not in the list, because they are no tables: ${names}\n`
  return `${schemaComment}
name: ${JSON.stringify(name)}
lake: ./lake                                # a folder of its own

sources:
  app:
    type: ${type}
    url: { secret: env:${secretName} }   # from the environment or .env, never written here
    timezone: UTC                           # how timestamps without a zone are read
    tables: ${listName}
${note}
# Rules and transformations for every silver table; an entry's own keys in the list win.
# silver:
#   defaults:
#     transform: [{ drop: "tmp_*" }]

# Flows in silver/ and gold/ (*.sql, *.ts) are found by themselves.
# flows: [silver/**, gold/**]

# alerts:
#   channels:
#     hook: { webhook: { secret: env:ALERT_URL } }
#     mail: { email: { to: data@example.org, smtp: { secret: env:SMTP_URL } } }
#   rules:
#     - { on: [failure, recovery], send: [hook, mail] }

# targets:
#   dev: { default: true, mode: development }
#   prod: { mode: production, lake: /data/lake }
`
}

/** One line an entry, as people keep these lists. */
function listText(tables: readonly InitTable[]): string {
  const lines = tables.map(table => {
    const { schema, primaryKey } = table
    const entry = {
      schema,
      table: table.table,
      cdc_col: suggestCursor(table) ?? '',
      from_date: '',
      ...(primaryKey.length === 0 ? {} : { primary_key: primaryKey }),
    }
    const members = Object.entries(entry).map(([key, value]) => `${JSON.stringify(key)}: ${printValue(value)}`)
    return `  { ${members.join(', ')} }`
  })
  return lines.length === 0 ? '[]\n' : `[\n${lines.join(',\n')}\n]\n`
}

function printValue(value: string | readonly string[]): string {
  return typeof value === 'string' ? JSON.stringify(value) : `[${value.map(one => JSON.stringify(one)).join(', ')}]`
}

/** Names that tell of the last change, the clearest first. Creation times are left out: they miss updates. */
const cursorNames: readonly string[] = [
  'updatedat',
  'lastupdated',
  'lastupdate',
  'lastupdatedat',
  'modifiedat',
  'lastmodified',
  'lastmodifiedat',
  'changedat',
  'lastchanged',
  'updatedon',
  'modifiedon',
  'updatetime',
  'modifytime',
  'updated',
  'modified',
  'modifieddate',
  'updateddate',
]

/** The timestamp column that tells when a row changed last, judged by its name; undefined when none is clear. */
export function suggestCursor(table: Pick<InitTable, 'columns'>): string | undefined {
  const ranked = table.columns
    .filter(column => column.orderable && /^(timestamp|(small)?datetime)/i.test(column.sourceType))
    .map(column => ({
      name: column.name,
      rank: cursorNames.indexOf(column.name.toLowerCase().replaceAll(/[^a-z]/g, '')),
    }))
    .filter(column => column.rank >= 0)
    .toSorted((a, b) => a.rank - b.rank)
  return ranked[0]?.name
}

/** The URL without characters that `.env` readers or shells would change: they are percent-encoded, which means the same. */
function plainUrl(url: string): string {
  return url
    .trim()
    .replace(/[^A-Za-z0-9_:/@.%?=&+~-]/gu, character =>
      Array.from(Buffer.from(character), byte => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join(''),
    )
}
