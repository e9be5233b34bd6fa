/** Reading a slice inside the engine, without segments: what a source is asked, and what it gives. */
import type { Engine, Session } from '../engine/engine.ts'
import type { Sql } from '../engine/sql.ts'
import type { CopyRequest } from './source.ts'

export interface DirectRequest extends Pick<CopyRequest, 'table' | 'columns' | 'slice' | 'signal'> {
  engine: Pick<Engine, 'sessionBeside'>
}

/** A slice as a relation of a session; both are of use until it is disposed of. */
export interface DirectRead extends AsyncDisposable {
  session: Session
  /** A query for the rows that `copy` and `readSegments` would give. */
  relation: Sql
}
