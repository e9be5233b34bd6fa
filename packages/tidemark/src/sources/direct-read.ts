/** Reading a slice inside the engine, without segments: what a source is asked, and what it gives. */
import type { Engine, Session } from '../engine/engine.ts'
import type { Sql } from '../engine/sql.ts'
import type { CopyRequest, SourceColumn } from './source.ts'

/** In the error that a value ends the read with because the lake cannot hold it. */
export const UNFIT_MARK = 'tidemark: a value that the lake cannot hold'

export interface DirectRequest extends Pick<CopyRequest, 'table' | 'columns' | 'slice' | 'signal'> {
  engine: Pick<Engine, 'sessionBeside'>
}

/** Rows as a relation of a session. */
export interface DirectStream {
  session: Session
  /** A query for rows as `copy` and `readSegments` would give them; what the lake cannot hold ends it with `UNFIT_MARK`. */
  relation: Sql
  /** Columns with values that the lake cannot hold and that do not end it. */
  unjudged: readonly UnjudgedColumn[]
  /** After the read: how many rows the source says it has given; undefined, or another number than came, proves nothing. */
  rowsGiven: () => Promise<bigint | undefined>
}

export interface UnjudgedColumn {
  column: SourceColumn
  /** True when each such value arrives as 0. */
  asZero: boolean
}

/** A slice as streams that together hold each of its rows once, to be read side by side until it is disposed of. */
export interface DirectRead extends AsyncDisposable {
  streams: readonly DirectStream[]
}
