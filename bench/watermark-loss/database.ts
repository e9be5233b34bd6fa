/**
 * One table that changes, on one kind of database: what the writers and the strategies need to know of it. PostgreSQL and
 * MariaDB stand behind the same few words, so that both meet the same load and the same readers.
 */

export type Row = Record<string, string | null>

export interface Client {
  /** Values come back as the server's text. */
  query(statement: Statement): Promise<Row[]>
  end(): Promise<void>
}

/** SQL with its values apart: `sql` makes it, and each kind of database writes its own placeholders. */
export interface Statement {
  parts: readonly string[]
  values: readonly string[]
}

export function sql(parts: TemplateStringsArray | readonly string[], ...values: readonly string[]): Statement {
  return { parts: [...parts], values }
}

/** A statement without values. */
export const plain = (text: string): Statement => ({ parts: [text], values: [] })

export interface Database {
  /** As the report names it, with its version. */
  name: string
  url: string
  /** What a project file says of it: the kind of source, and the schema of its tables. */
  project: { type: 'postgres' | 'mysql'; schema: string }
  /** Makes `changes (id, version, changed_at)`. */
  create(): Promise<void>
  connect(): Promise<Client>
  /** `cursor` comes before every moment there is, `forever` after. */
  moments: { never: string; forever: string }
  /** Time by the server, `shiftedBy` by a clock that is wrong by so many milliseconds. */
  now: string
  shiftedBy: (ms: number) => string
  before: (moment: string, ms: number) => string
  /** A query for where the oldest open transaction began; nothing comes where the server cannot say. */
  oldestOpen: string
  transaction: {
    begin(name: string | undefined): readonly string[]
    /** Of a named transaction: prepared first, decided later. */
    prepare(name: string): readonly string[]
    decide(name: string | undefined, keeps: boolean): readonly string[]
    /** What brings a connection back from a statement that failed. */
    giveUp(name: string | undefined): readonly string[]
  }
  /** True when a lock was not had in time, or was part of a deadlock. */
  isContention(error: unknown): boolean
  /** Strategies that read a snapshot of transactions rather than a cursor. */
  hasSnapshots: boolean
}
