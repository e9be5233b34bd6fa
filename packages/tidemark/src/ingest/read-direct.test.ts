import { DeltaError } from '@tidemark/delta'
import { expect, test } from 'vitest'
import type { Session } from '../engine/engine.ts'
import { sql } from '../engine/sql.ts'
import type { DirectStream } from '../sources/direct-read.ts'
import { readDirect } from './read-direct.ts'
import type { Work } from './work.ts'

type Write = Session['writeParquet']

/** A stream whose files come to this end. */
const stream = (writeParquet: Write): DirectStream => ({
  session: { writeParquet } as Session,
  relation: sql`t`,
  unjudged: [],
  rowsGiven: () => Promise.resolve(undefined),
})

test('a stream that fails while the files of the other are on their way leaves COPY, with its own reason', async () => {
  const publishing: Write = (_query, _target, signal) =>
    new Promise((_resolve, reject) => {
      const failure = new DeltaError('NOT_WRITTEN', 'the file was not written', {})
      signal?.addEventListener('abort', () => reject(failure))
    })
  const failing: Write = () => Promise.reject(new Error('the line is gone'))
  const warned: string[] = []
  const streams = [stream(publishing), stream(failing)]
  const work = {
    context: { signal: new AbortController().signal, warn: (one: string) => warned.push(one) },
    snapshot: { openDirect: () => Promise.resolve({ streams, [Symbol.asyncDispose]: () => Promise.resolve() }) },
    wanted: { table: {}, columns: [], lake: [] },
  } as unknown as Work
  const target = { tablePath: 't', schema: { type: 'struct' as const, fields: [] } }
  const read = readDirect(work, { kind: 'all' }, undefined, { target, complete: rows => rows })
  expect(await read).toBeUndefined()
  expect(warned).toEqual(['read by COPY: the line is gone'])
})
