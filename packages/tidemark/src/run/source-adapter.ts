/** How a run reaches databases: opening one from its configuration, and reading its segment files in the engine. */
import type { ReadSegments } from '../ingest/candidates.ts'
import type { ReadKeySegments } from '../ingest/deletes.ts'
import type { SourceOpener } from './prepare.ts'

export interface SourceAdapter extends SourceOpener {
  read: ReadSegments
  readKeys: ReadKeySegments
}
