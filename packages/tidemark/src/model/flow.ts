/**
 * Flows: what fills silver and gold tables. SQL files, TypeScript files and the table list all compile to these plain
 * values; they are JSON through and through, because a decided batch stores the flow that decided it.
 */
import type { Place } from '../errors/problem.ts'
import type { Expectation } from './project.ts'
import type { TableProperties } from './table-properties.ts'
import type { Transform } from './transform.ts'

/** `schema.table` in the lake's catalog, for example `silver.DimUser`. */
export type TableName = string

/** A parsed flow file or export: targets it declares and flows into them. */
export interface FlowSource {
  file: string
  datasets: readonly Dataset[]
  flows: readonly DeclaredFlow[]
}

/** A declared dataset. */
export type Dataset =
  | {
      kind: 'streaming table'
      name: TableName
      expectations: readonly Expectation[]
      properties?: TableProperties | undefined
      comment?: string
      place: Place
    }
  | {
      kind: 'materialized view'
      name: TableName
      query: Query
      expectations: readonly Expectation[]
      properties?: TableProperties | undefined
      comment?: string
      place: Place
    }
  | { kind: 'temporary view'; name: TableName; query: Query; place: Place }

/** A flow into a streaming table, as declared. */
export type DeclaredFlow =
  | { kind: 'append'; name: string; target: TableName; query: Query; place: Place }
  | {
      kind: 'auto cdc'
      name: string
      target: TableName
      /** A table or temporary view that is streamed. */
      source: TableName
      keys: readonly string[]
      sequenceBy: string
      /** Portable SQL condition over the source row, or undefined when nothing deletes. */
      applyAsDeleteWhen: string | undefined
      scdType: 1 | 2
      place: Place
    }

/** A SELECT in the portable subset, kept as written together with where it stands. */
export interface Query {
  /** The text from SELECT to its end, without the closing semicolon. */
  text: string
  /** `duckdb` when the file opted out of the portable subset by `-- dialect: duckdb`. */
  dialect: 'portable' | 'duckdb'
  /** Place of the first character of `text`. */
  place: Place
}

/** What a run executes: one node of the graph. Derived silver tables are flows too. */
export type Flow = DerivedFlow | AppendFlow | AutoCdcFlow | MaterializedViewFlow

interface FlowBase {
  /** Unique in the project; part of the `txn` application id and of batch names. */
  name: string
  target: TableName
  expectations: readonly Expectation[]
  /** What the target's log is to say of how its rows are kept; what it says beside stays. */
  properties?: TableProperties | undefined
  /** Where it is declared. */
  place?: Place | undefined
}

/** Bronze to silver by the table list. `current` keeps one row per key; `changes` keeps every version. */
export interface DerivedFlow extends FlowBase {
  kind: 'derived'
  output: 'current' | 'changes'
  source: TableName
  /** Empty for a keyless table: then the whole table is replaced. */
  keys: readonly string[]
  transform: readonly Transform[]
}

export interface AppendFlow extends FlowBase {
  kind: 'append'
  query: CompiledQuery
}

export interface AutoCdcFlow extends FlowBase {
  kind: 'auto cdc'
  /** The streamed table. */
  source: TableName
  /** Set when the source is a temporary view over exactly one streamed table. */
  query: CompiledQuery | undefined
  keys: readonly string[]
  sequenceBy: string
  applyAsDeleteWhen: string | undefined
  scdType: 1 | 2
}

export interface MaterializedViewFlow extends FlowBase {
  kind: 'materialized view'
  query: CompiledQuery
}

/** A query after name resolution. Temporary views are already inlined. */
export interface CompiledQuery {
  /** Portable text as checked; the engine compiles it when the column types are known. */
  text: string
  dialect: 'portable' | 'duckdb'
  /** Where `text` begins in the user's file. */
  place: Place
  /** Lake tables read in full, at their current version. */
  reads: readonly TableName[]
  /** The lake table read as a stream, if any. */
  streams: TableName | undefined
  /** True when it calls current_date() or kin: such a view is never skipped. */
  volatile: boolean
}
