/** What every part of ingestion is handed: the lake, the engine and the run it works for. */
import type { Engine } from '../engine/engine.ts'
import type { PhaseProgress } from '../model/event.ts'
import type { Clock, Ids, LakeStore } from '../model/ports.ts'
import type { Source } from '../sources/source.ts'
import type { ReadSegments } from './candidates.ts'
import type { ReadKeySegments } from './deletes.ts'

export interface IngestContext extends LakeStore {
  engine: Engine
  clock: Clock
  ids: Ids
  runId: string
  /** Name of the source in the project; part of the mark's domain. */
  source: string
  read: ReadSegments
  readKeys: ReadKeySegments
  /** Existing local folder for segment files; swept when the run ends. */
  scratch: string
  discard: (path: string) => Promise<void>
  progress: (progress: PhaseProgress) => void
  /** Tell the user something that stops nothing; the table is named with it. */
  warn: (text: string) => void
  /** A first load of at least twice this many bytes is read in parts of about this size. */
  chunkBytes: bigint
  /** Read this table anew, as if it had never been loaded, in place of all that bronze holds. */
  reload?: boolean
  /** Accept that most keys of this table are gone. */
  allowMassDelete: boolean
  signal: AbortSignal
}

/** How the segment files of a source are read. */
export function readersOf(source: Source): Pick<IngestContext, 'read' | 'readKeys'> {
  return {
    read: (files, columns) => source.readSegments(files, columns),
    readKeys: (files, columns) => source.readKeySegments(files, columns),
  }
}

/** Bytes of a part: read within a minute, so that little is read twice after a failure. */
export const CHUNK_BYTES: bigint = 256n * 1024n * 1024n

/** Finished segment files hold at least this many bytes, so disk use is a few times this per table. */
export const SEGMENT_BYTES: number = 64 * 1024 * 1024
