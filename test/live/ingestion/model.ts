/** What somebody does to the table `item`, at random: rows, columns, the table itself. Knows which columns it has now. */
import type { Random } from '../../../examples/music/random.ts'
import type { Database, Held, Kind, TypeName } from './source.ts'

export interface Column {
  name: string
  type: TypeName
}

/** The table as it is, and who is at work on it. */
export interface Item {
  readonly kind: Kind
  readonly database: Database
  readonly random: Random
  /** The key is an integer or a text. */
  readonly key: TypeName
  /** Beside the key `k` and the time `at`. */
  columns: Column[]
  readonly held: Held[]
  /** Everything that was done, for whoever has to find out. */
  readonly log: string[]
  made: number
}

const KEYS = [
  '',
  'a',
  'A',
  'b',
  'ä',
  'é',
  "''",
  '0',
  '00',
  '😀',
  'null',
  ...Array.from({ length: 30 }, (_, n) => `k${n}`),
]
const TEXTS = [
  '',
  ' ',
  'a',
  'é',
  'e\u0301',
  '😀',
  '7',
  '007',
  '-0',
  '1.50',
  'NULL',
  '{"a":1}',
  'line\nbreak',
  'x'.repeat(300),
]
const INTEGERS = ['0', '1', '-1', '7', '42', '2147483647', '-2147483648']

const keyOf = ({ random, key }: Item): string =>
  key === 'text' ? `'${random.pick(KEYS)}'` : String(random.integer(0, 60))

function valueOf(random: Random, type: TypeName): string {
  if (random.chance(0.15)) return 'NULL'
  if (type === 'text') return `'${random.pick(TEXTS)}'`
  return type === 'big' && random.chance(0.3) ? '9223372036854775807' : random.pick(INTEGERS)
}

/** Make the table, with some rows. */
export async function createItem(item: Item, rows: number): Promise<void> {
  await run(item, `DROP TABLE IF EXISTS item`)
  await run(item, tableOf(item, 'item'))
  for (let n = 0; n < rows; n += 1) await run(item, insert(item, 'item'))
}

function tableOf({ kind, key, columns }: Item, name: string): string {
  const type = key === 'text' ? 'varchar(40)' : kind.types[key]
  const others = columns.map(column => `${column.name} ${kind.types[column.type]}`)
  return `CREATE TABLE ${name} (${[`k ${type} NOT NULL PRIMARY KEY`, `at ${kind.time}`, ...others].join(', ')})`
}

async function run({ database, log }: Item, statement: string): Promise<boolean> {
  const isDone = await database.write(statement)
  log.push(`${isDone ? '' : '(refused) '}${statement}`)
  return isDone
}

function insert(item: Item, table: string): string {
  const { kind, columns, random } = item
  const rows = Array.from({ length: random.integer(1, 8) }, () => {
    const values = columns.map(({ type }) => valueOf(random, type))
    return `(${[keyOf(item), kind.now, ...values].join(', ')})`
  })
  return kind.insert(table, `(${['k', 'at', ...columns.map(({ name }) => name)].join(', ')}) VALUES ${rows.join(', ')}`)
}

/** One statement that writes rows; each of them gets the server's time. */
export function writing(item: Item): string {
  const { kind, columns, random } = item
  const some = random.chance(0.5) ? `k = ${keyOf(item)}` : `k > ${keyOf(item)}`
  const column = columns.length === 0 ? undefined : random.pick(columns)
  const what = random.integer(0, 9)
  if (what < 3 || column === undefined) return insert(item, 'item')
  if (what < 7)
    return `UPDATE item SET ${column.name} = ${valueOf(random, column.type)}, at = ${kind.now} WHERE ${some}`
  if (what < 9) return `DELETE FROM item WHERE ${some}`
  return `UPDATE item SET k = ${keyOf(item)}, at = ${kind.now} WHERE k = ${keyOf(item)}`
}

export async function write(item: Item): Promise<void> {
  for (let n = item.random.integer(1, 4); n > 0; n -= 1) await run(item, writing(item))
}

/** Write in a transaction that stays open, or end the one that has been open longest. */
export async function holdOrEnd({ random, database, held, log }: Item, statement: string): Promise<void> {
  if (database.hold === undefined) return
  const first = held.length > 1 || random.chance(0.4) ? held.shift() : undefined
  if (first !== undefined) return await endHeld(first, random.chance(0.7) ? 'COMMIT' : 'ROLLBACK', log)
  const open = await database.hold()
  if (await open.write(statement)) {
    log.push(`held open: ${statement}`)
    held.push(open)
  } else await open.end('ROLLBACK')
}

export async function endHeld(open: Held, how: 'COMMIT' | 'ROLLBACK', log: string[]): Promise<void> {
  await open.end(how)
  log.push(`the open one: ${how}`)
}

/** Change the table's definition, or put another table in its place. */
export async function alter(item: Item): Promise<void> {
  const { kind, columns, random } = item
  const column = columns.length === 0 ? undefined : random.pick(columns)
  const type = random.pick(['int', 'big', 'text'] as const)
  const what = random.integer(0, 4)
  if (what === 0 || column === undefined) return await add(item, `c${(item.made += 1)}`, type)
  if (what === 1 && columns.length > 1) {
    if (!(await run(item, `ALTER TABLE item DROP COLUMN ${column.name}`))) return
    item.columns = columns.filter(one => one !== column)
    // A column of the same name is another column.
    if (random.chance(0.5)) await add(item, column.name, type)
  } else if (what === 2) {
    const name = `c${(item.made += 1)}`
    if (await run(item, `ALTER TABLE item RENAME COLUMN ${column.name} TO ${name}`))
      replace(item, column, { ...column, name })
  } else if (what === 3 && kind.retype !== undefined) {
    if (await run(item, kind.retype(column.name, kind.types[type]))) replace(item, column, { ...column, type })
  } else await swapIn(item)
}

async function add(item: Item, name: string, type: TypeName): Promise<void> {
  const { kind, random } = item
  const value = random.chance(0.5) ? 'NULL' : type === 'text' ? `'7'` : '7'
  if (await run(item, `ALTER TABLE item ADD COLUMN ${name} ${kind.types[type]} DEFAULT ${value}`)) {
    item.columns = [...item.columns, { name, type }]
  }
}

function replace(item: Item, before: Column, after: Column): void {
  item.columns = item.columns.map(one => (one === before ? after : one))
}

async function swapIn(item: Item): Promise<void> {
  const names = ['k', 'at', ...item.columns.map(({ name }) => name)].join(', ')
  await run(item, 'DROP TABLE IF EXISTS copy')
  await run(item, tableOf(item, 'copy'))
  await run(item, `INSERT INTO copy (${names}) SELECT ${names} FROM item`)
  await run(item, insert(item, 'copy'))
  await run(item, `DELETE FROM copy WHERE k = ${keyOf(item)}`)
  await run(item, item.kind.swap)
}
