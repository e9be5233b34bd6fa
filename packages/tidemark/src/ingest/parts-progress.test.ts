import { expect, test } from 'vitest'
import type { PhaseProgress } from '../model/event.ts'
import type { ChunkSlice } from '../sources/source.ts'
import type { LoadedPart } from './load-record.ts'
import { partsProgress } from './parts-progress.ts'

const chunk = (share?: bigint): ChunkSlice => ({
  kind: 'chunk',
  from: undefined,
  to: undefined,
  ...(share && { share }),
})
const reading = (rows: bigint, expectedRows?: bigint): PhaseProgress => ({
  rows,
  bytes: 1n,
  phase: 'reading',
  expectedRows,
})
const part = (n: number, rows: bigint): LoadedPart => ({ chunk: n, seq: 1n, rows, files: [] })

test('the rows to come are estimated by how much of the table the known parts are', () => {
  const told: PhaseProgress[] = []
  const parts = new Map<number, LoadedPart>()
  const progress = partsProgress({ chunks: [chunk(100n), chunk(100n), chunk(20n)] }, parts, one => told.push(one))
  expect(told.at(-1)).toMatchObject({ rows: 0n, expectedRows: undefined, parts: { done: 0, of: 3 } })
  progress.of(0)(reading(10n, 5000n))
  expect(told.at(-1)).toMatchObject({ rows: 10n, expectedRows: 11_000n })
  progress.of(1)(reading(0n, 7000n))
  expect(told.at(-1)).toMatchObject({ rows: 10n, expectedRows: 13_200n })
  for (const [n, rows] of [5000n, 7000n, 900n].entries()) parts.set(n, part(n, rows))
  progress.tell()
  expect(told.at(-1)).toMatchObject({ rows: 12_900n, expectedRows: 12_900n, parts: { done: 3, of: 3 } })
})

test('parts that say nothing of their size count alike, and an empty one proves nothing about the others', () => {
  const told: PhaseProgress[] = []
  const progress = partsProgress({ chunks: [chunk(), chunk()] }, new Map([[0, part(0, 40n)]]), one => told.push(one))
  expect(told.at(-1)).toMatchObject({ rows: 40n, expectedRows: 80n })
  progress.of(1)(reading(0n, 0n))
  expect(told.at(-1)).toMatchObject({ expectedRows: 40n })
})

test('a part that is read again takes nothing back of what was told', () => {
  const told: PhaseProgress[] = []
  const progress = partsProgress({ chunks: [chunk(), chunk()] }, new Map(), one => told.push(one))
  progress.of(0)(reading(900n, 1000n))
  progress.of(0)(reading(0n))
  expect(told.at(-1)?.rows).toBe(900n)
  progress.of(0)(reading(950n, 1000n))
  expect(told.at(-1)?.rows).toBe(950n)
})
