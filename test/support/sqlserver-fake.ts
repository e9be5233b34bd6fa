/**
 * A database at the boundary of queries: it knows the source's statements and answers them from rows, versions and changes
 * kept here, in snapshots, as the manual says SQL Server does. What it proves is the state machine, not the SQL.
 */
import { Problem } from '../../packages/tidemark/src/errors/problem.ts'
import type { Sql } from '../../packages/tidemark/src/engine/sql.ts'
import { ALL_TABLES, DATABASE, FORK } from '../../packages/tidemark/src/sources/sqlserver/catalog.ts'
import { MAY_SEE, NOW, TRANSACTIONS } from '../../packages/tidemark/src/sources/sqlserver/cursor.ts'
import { translateDriverError } from '../../packages/tidemark/src/sources/sqlserver/driver-error.ts'
import { BEGIN, CLOCK, HORIZONS, LOCK, NEXT, UNLOCK } from '../../packages/tidemark/src/sources/sqlserver/position.ts'
import type { SqlServerSession, TextRow } from '../../packages/tidemark/src/sources/sqlserver/session.ts'
import { CsvChunks } from '../../packages/tidemark/src/sources/sqlserver/text-rows.ts'
import type { TdsAnswer } from './tds-server.ts'
import type { CopyChunk } from '../../packages/tidemark/src/sources/segments.ts'

interface Row {
  v: string
  rv: bigint
  /** Values of columns that were added. */
  more?: Readonly<Record<string, string>>
}

interface Change {
  version: bigint
  id: number
}

/** Everything that a snapshot keeps. */
interface State {
  rows: Map<number, Row>
  changes: Change[]
  tracking: bigint
  dbts: bigint
}

export const server = { host: 'db.example.org', port: 1433, user: 'reader', password: '', database: 'music' }

/** One table `dbo.orders (id int PRIMARY KEY, v nvarchar(50), rv rowversion)`, as it was made. */
export class FakeSqlServer {
  /** Its columns beside `rv`, with their types. */
  columns: Readonly<Record<string, string>> = { id: 'int', v: 'nvarchar' }
  state: State = { rows: new Map(), changes: [], tracking: 0n, dbts: 2000n }
  tracked: { since: bigint; minValid: bigint } | undefined
  hasRowVersion = false
  mayTrack = true
  snapshotIsolation = true
  storage = 1
  fork = 'f-1'
  /** Lowest version that an open transaction holds. */
  minActive: bigint | undefined
  maySeeTransactions = true
  /** Called when the snapshot is about to be taken: what others do meanwhile. */
  beforeSnapshot: (() => void) | undefined
  /** The number of the error that the next read of rows ends with, and whether it ends the transaction. */
  fail: { number: number; ends: boolean } | undefined
  statements: string[] = []
  #clock = 0

  /** One committed transaction: rows written, or deleted where there is no value. */
  commit(
    rows: Readonly<Record<number, string | null>>,
    tracked: boolean = this.tracked !== undefined,
    more: Readonly<Record<string, string>> = {},
  ): void {
    if (tracked) this.state.tracking += 1n
    for (const [key, v] of Object.entries(rows)) {
      const id = Number(key)
      this.state.dbts += 1n
      if (v === null) this.state.rows.delete(id)
      else this.state.rows.set(id, { v, rv: this.state.dbts, more })
      if (tracked) this.state.changes.push({ version: this.state.tracking, id })
    }
  }

  /** What the clean-up of Change Tracking does. */
  forget(upTo: bigint): void {
    this.state.changes = this.state.changes.filter(({ version }) => version > upTo)
    if (this.tracked !== undefined) this.tracked.minValid = upTo
  }

  /** The same over the protocol: what one connection is answered. */
  answering(): (batch: string) => TdsAnswer {
    const session = new FakeSession(this)
    return batch => session.reply(batch)
  }

  open = (): Promise<SqlServerSession> => Promise.resolve(new FakeSession(this))

  now(): bigint {
    this.#clock += 1
    return 1_767_225_600_000_000n + BigInt(this.#clock)
  }

  error(number: number): unknown {
    return translateDriverError(Object.assign(new Error(`error ${number}`), { number }), 'app', server)
  }
}

class FakeSession implements SqlServerSession {
  readonly #db: FakeSqlServer
  #snapshot: State | undefined

  constructor(db: FakeSqlServer) {
    this.#db = db
  }

  query({ text }: Sql): Promise<TextRow[]> {
    this.#db.statements.push(text)
    try {
      return Promise.resolve(this.#answer(text))
    } catch (error) {
      return Promise.reject(error instanceof Problem ? error : new Error(String(error)))
    }
  }

  async *copyOut(
    { text }: Sql,
    { forms, chunkBytes }: Parameters<SqlServerSession['copyOut']>[1],
  ): AsyncGenerator<CopyChunk, bigint, undefined> {
    this.#db.statements.push(text)
    const rows = this.#read(this.#inside(text))
    const waiting: CopyChunk[] = []
    const lines = new CsvChunks(forms, chunkBytes, chunk => waiting.push(chunk))
    for (const row of rows) lines.add(row)
    lines.end()
    yield* waiting
    return BigInt(rows.length)
  }

  abandon(): void {}

  /** A batch that sets something up has no rows; one that reads rows has columns without a name. */
  reply(text: string): TdsAnswer {
    if (/^(set|SET) /.test(text) && text !== BEGIN.text) return {}
    this.#db.statements.push(text)
    if (/^(IF .*? 1; )?SELECT '[01]', /s.test(text)) {
      const rows = this.#read(this.#inside(text))
      return { columns: (rows[0] ?? ['']).map(() => ''), rows }
    }
    const rows = this.#answer(text)
    const columns = Object.keys(rows[0] ?? { none: null })
    return text === BEGIN.text || text === UNLOCK.text
      ? {}
      : { columns, rows: rows.map(row => columns.map(name => row[name] ?? null)) }
  }

  close(): Promise<void> {
    return Promise.resolve()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  #answer(text: string): TextRow[] {
    const db = this.#db
    const fixed = this.#fixed(text)
    if (fixed !== undefined) return fixed
    if (text.startsWith('SELECT TOP (1)')) {
      db.beforeSnapshot?.()
      this.#snapshot = structuredClone(db.state)
      return []
    }
    const catalog = this.#catalog(text)
    if (catalog !== undefined) return catalog
    const statement = this.#inside(text)
    if (!statement.includes(' AS total')) throw new Error(`the fake does not know: ${text}`)
    const { rows } = this.#state()
    return [{ total: String(rows.size), in_slice: String(this.#slice(statement).length), without_cursor: '0' }]
  }

  #fixed(text: string): TextRow[] | undefined {
    const db = this.#db
    const { tracking, dbts } = this.#state()
    const version = db.tracked === undefined ? null : String(tracking)
    switch (text) {
      case DATABASE.text: {
        const database = { server: 's', id: '5', created: 'c', database: 'music', edition: '3', delayed: '0' }
        return [{ ...database, updateability: 'READ_WRITE', snapshot_state: db.snapshotIsolation ? '1' : '0' }]
      }
      case FORK.text:
        return [{ fork: db.fork }]
      case HORIZONS.text:
        return [{ tracking: version, row_version: String(db.minActive ?? dbts + 1n) }]
      case NEXT.text:
        return [{ tracking: version, row_version: String(dbts) }]
      case CLOCK.text: {
        const now = String(db.now())
        return [{ order_us: now, as_of: `2026-01-01T00:00:00.${now.slice(-6)}Z` }]
      }
      case LOCK.text:
        return [{ held: '0' }]
      case NOW.text:
        return [{ now_us: String(db.now()) }]
      case MAY_SEE.text:
        return [{ may_see: db.maySeeTransactions ? '1' : '0', updateability: 'READ_WRITE', edition: '3' }]
      case TRANSACTIONS.text:
        return [{ now_us: String(db.now()), age: '0', open_now: '0', prepared: '0' }]
      case UNLOCK.text:
      case BEGIN.text:
        return []
      case ALL_TABLES.text:
        return [{ schema: 'dbo', name: 'orders', id: '7', type: 'U' }]
      default:
        return undefined
    }
  }

  #catalog(text: string): TextRow[] | undefined {
    const db = this.#db
    const id = '7'
    if (text.includes('AS may_select')) {
      const { tracked } = db
      const tracking = {
        tracked_since: tracked && String(tracked.since),
        min_valid: tracked && String(tracked.minValid),
      }
      const rights = { may_select: '1', may_track: db.mayTrack ? '1' : '0', may_unmask: '1', is_filtered: '0' }
      return [
        {
          id,
          type: 'U',
          ...rights,
          tracked_since: tracking.tracked_since ?? null,
          min_valid: tracking.min_valid ?? null,
        },
      ]
    }
    if (text.includes('AS is_deterministic')) {
      const column = (number: string, name: string, type: string, nullable: string): TextRow => ({
        id,
        number,
        name,
        type,
        nullable,
        length: '100',
        precision: '10',
        scale: '0',
      })
      const columns = Object.entries(db.columns).map(([name, type], n) =>
        column(String(n + 1), name, type, name === 'id' ? '0' : '1'),
      )
      return db.hasRowVersion ? [...columns, column('99', 'rv', 'timestamp', '0')] : columns
    }
    if (text.includes('i.is_primary_key')) return [{ id, name: 'id' }]
    if (!text.includes('AS storage')) return undefined
    return [{ id, number: '1', storage: String(db.storage), rows: String(db.state.rows.size), bytes: '8192' }]
  }

  #state(): State {
    return this.#snapshot ?? this.#db.state
  }

  #inside(text: string): string {
    const [, guard, statement = text] = /^(IF @@TRANCOUNT = 0 THROW .*?, 1; )(.*)$/s.exec(text) ?? []
    if (guard !== undefined && this.#snapshot === undefined) throw this.#db.error(50_001)
    const { fail } = this.#db
    if (fail === undefined) return statement
    this.#db.fail = undefined
    if (fail.ends) this.#snapshot = undefined
    throw this.#db.error(fail.number)
  }

  /** Ids of the live rows in a slice. */
  #slice(statement: string): number[] {
    const { rows, changes } = this.#state()
    const after = /CHANGETABLE\(CHANGES "dbo"\."orders", (\d+)\)/.exec(statement)?.[1]
    const from = /t\."rv" >= CONVERT\(binary\(8\), CONVERT\(bigint, (\d+)\)\)/.exec(statement)?.[1]
    const ids = [...rows.keys()].toSorted((a, b) => a - b)
    if (after !== undefined) {
      const changed = new Set(changes.filter(({ version }) => version > BigInt(after)).map(({ id }) => id))
      return ids.filter(id => changed.has(id))
    }
    return from === undefined ? ids : ids.filter(id => (rows.get(id)?.rv ?? 0n) >= BigInt(from))
  }

  #read(statement: string): (string | null)[][] {
    const { rows, changes } = this.#state()
    if (statement.includes("SYS_CHANGE_OPERATION = 'D'")) {
      const after = BigInt(/, (\d+)\) AS t/.exec(statement)?.[1] ?? '0')
      const changed = new Set(changes.filter(({ version }) => version > after).map(({ id }) => id))
      return [...changed].filter(id => !rows.has(id)).map(id => ['0', String(id)])
    }
    return this.#slice(statement).map(id => {
      const { v = '', rv = 0n, more = {} } = rows.get(id) ?? {}
      const hex = rv.toString(16).toUpperCase().padStart(16, '0')
      const values: Readonly<Record<string, string | null>> = { id: String(id), v }
      const read = Object.keys(this.#db.columns).filter(name => name === 'id' || statement.includes(`t."${name}"`))
      const row = ['0', ...read.map(name => values[name] ?? more[name] ?? null)]
      return statement.includes('t."rv"), 2)') ? [...row, hex] : row
    })
  }
}
