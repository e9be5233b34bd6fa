import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { type CopyChunk, writeSegments } from './segments.ts'

async function* chunks(count: number, bytes: number): AsyncGenerator<CopyChunk, bigint, undefined> {
  for (let n = 0; n < count; n++) yield { bytes: Buffer.alloc(bytes, 'x'), rows: 1, longestRow: bytes }
  return BigInt(count)
}

test('the first file is small, so that work on it begins early, and all others are whole', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'tidemark-segments-'))
  onTestFinished(() => rm(directory, { recursive: true, force: true }))
  const target = { source: 'app', table: 't', directory, prefix: 'rows', segmentBytes: 1600 }
  const written: number[] = []
  const signal = new AbortController().signal
  for await (const { path, bytes, rows } of writeSegments(chunks(40, 100), { ...target, signal, abandon: () => {} })) {
    expect([bytes, rows * 100n]).toEqual([BigInt((await stat(path)).size), bytes])
    written.push(Number(bytes))
  }
  expect(written).toEqual([400, 1600, 1600, 400])
})
