/**
 * The messages of PostgreSQL's own output plugin, protocol version 1, as far as they say which rows changed: keys are
 * read from them, other values are stepped over (PostgreSQL manual, "Logical Replication Message Formats").
 */

/** A table's changed row as the log tells it: values of columns by name, undefined where the log leaves a value out. */
export interface LoggedRow {
  /** Columns that tell rows of the table apart in the log. */
  identity: ReadonlySet<string>
  value: (column: string) => string | null | undefined
}

export type LogMessage =
  /** `at` is where the transaction's commit begins in the log; `xid` the 32 bits of its id. */
  | { kind: 'begin'; at: bigint; xid: bigint }
  | { kind: 'commit' }
  | { kind: 'insert'; relation: string; row: LoggedRow }
  /** `old` is left out when the columns of the identity kept their values. */
  | { kind: 'update'; relation: string; row: LoggedRow; old: LoggedRow | undefined }
  | { kind: 'delete'; relation: string; row: LoggedRow }
  | { kind: 'truncate'; relations: readonly string[] }
  /** Says nothing about rows. */
  | { kind: 'other' }

interface Relation {
  columns: readonly string[]
  identity: ReadonlySet<string>
}

/** Reads one message after the other; relations are described once and remembered. */
export class PgoutputReader {
  readonly #relations = new Map<string, Relation>()

  read(bytes: Buffer): LogMessage {
    const at = new Cursor(bytes)
    const kind = at.letter()
    switch (kind) {
      case 'B': {
        const begin = at.long()
        at.skip(8)
        return { kind: 'begin', at: begin, xid: BigInt(at.int()) }
      }
      case 'C':
        return { kind: 'commit' }
      case 'R':
        this.#describe(at)
        return { kind: 'other' }
      case 'I':
        return { kind: 'insert', ...this.#changed(at, ['N']) }
      case 'U':
        return this.#update(at)
      case 'D':
        return { kind: 'delete', ...this.#changed(at, ['K', 'O']) }
      case 'T': {
        const count = at.int()
        at.skip(1)
        return { kind: 'truncate', relations: Array.from({ length: count }, () => String(at.int())) }
      }
      case 'O':
      case 'Y':
      case 'M':
        return { kind: 'other' }
      default:
        throw new TypeError(`this is a bug in tidemark: pgoutput sent a message ${JSON.stringify(kind)}`)
    }
  }

  #update(at: Cursor): LogMessage {
    const relation = String(at.int())
    const described = this.#relationOf(relation)
    let old: LoggedRow | undefined
    let mark = at.letter()
    if (mark === 'K' || mark === 'O') {
      old = readRow(at, described)
      mark = at.letter()
    }
    if (mark !== 'N') throw unexpected(mark)
    return { kind: 'update', relation, row: readRow(at, described), old }
  }

  #changed(at: Cursor, marks: readonly string[]): { relation: string; row: LoggedRow } {
    const relation = String(at.int())
    const described = this.#relationOf(relation)
    const mark = at.letter()
    if (!marks.includes(mark)) throw unexpected(mark)
    return { relation, row: readRow(at, described) }
  }

  #describe(at: Cursor): void {
    const relation = String(at.int())
    at.text()
    at.text()
    at.skip(1)
    const columns: string[] = []
    const identity = new Set<string>()
    const count = at.short()
    for (let n = 0; n < count; n += 1) {
      const isIdentity = (at.byte() & 1) === 1
      const name = at.text()
      at.skip(8)
      columns.push(name)
      if (isIdentity) identity.add(name)
    }
    this.#relations.set(relation, { columns, identity })
  }

  #relationOf(id: string): Relation {
    const found = this.#relations.get(id)
    if (found === undefined) throw new TypeError(`this is a bug in tidemark: relation ${id} was not described`)
    return found
  }
}

/** The values are texts in the message's memory, read when they are asked for. */
function readRow(at: Cursor, { columns, identity }: Relation): LoggedRow {
  const values = new Map<string, Buffer | null | undefined>()
  const count = at.short()
  for (let n = 0; n < count; n += 1) values.set(columns[n] ?? '', at.value())
  return { identity, value: column => values.get(column)?.toString('utf8') ?? (values.get(column) as null | undefined) }
}

function unexpected(mark: string): TypeError {
  return new TypeError(`this is a bug in tidemark: pgoutput sent a row marked ${JSON.stringify(mark)}`)
}

/** Steps through one message. Reading past its end is an error of its own. */
class Cursor {
  readonly #bytes: Buffer
  #at = 0

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  byte(): number {
    return this.#bytes.readUInt8(this.#advance(1))
  }

  letter(): string {
    return String.fromCharCode(this.byte())
  }

  short(): number {
    return this.#bytes.readUInt16BE(this.#advance(2))
  }

  int(): number {
    return this.#bytes.readUInt32BE(this.#advance(4))
  }

  long(): bigint {
    return this.#bytes.readBigUInt64BE(this.#advance(8))
  }

  skip(count: number): void {
    this.#advance(count)
  }

  /** Text up to a zero byte. */
  text(): string {
    const end = this.#bytes.indexOf(0, this.#at)
    if (end < 0) throw new RangeError('a text of a pgoutput message has no end')
    const found = this.#bytes.toString('utf8', this.#at, end)
    this.#at = end + 1
    return found
  }

  /** A value: null, or undefined when the log leaves out what did not change. */
  value(): Buffer | null | undefined {
    const kind = this.letter()
    if (kind === 'n') return null
    if (kind === 'u') return undefined
    const length = this.int()
    const start = this.#advance(length)
    if (this.#at > this.#bytes.length) throw new RangeError('a value of a pgoutput message is cut short')
    return this.#bytes.subarray(start, start + length)
  }

  #advance(count: number): number {
    const before = this.#at
    this.#at += count
    return before
  }
}
