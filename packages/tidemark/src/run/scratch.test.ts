import { mkdir, mkdtemp, readdir, rm, symlink, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Processes } from './lease.ts'
import { makeScratch, sweepScratch } from './scratch.ts'

let root: string
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'tidemark-scratch-'))
})
afterEach(() => rm(root, { recursive: true, force: true }))

/** A host where these processes run, each with what tells it from a later one of the same number. */
function host(name: string, self: number, running: Readonly<Record<number, string>>): Processes {
  return { host: name, pid: self, identify: pid => running[pid] }
}

const NOW = 1_800_000_000_000
const HOUR = 3_600_000
const left = async (): Promise<string[]> => (await readdir(join(root, '_tmp'))).sort()

test('a sweep removes the scratch of the dead and keeps that of the living', async () => {
  const before = host('etl-1', 7, { 7: 'boot:70', 8: 'boot:80', 9: 'boot:90' })
  const living = await makeScratch(root, 'reader', { ...before, pid: 8 })
  await writeFile(join(living, 'rows.csv'), 'rows')
  const dead = await makeScratch(root, 'run', before)
  await writeFile(join(dead, 'rows.csv'), 'rows')
  await makeScratch(root, 'number-used-again', { ...before, pid: 9 })
  const now = host('etl-1', 10, { 8: 'boot:80', 9: 'boot:99', 10: 'boot:100' })
  const own = await makeScratch(root, 'own', now)
  await sweepScratch(root, now, NOW)
  expect(await left()).toEqual([basename(own), basename(living)].sort())
  expect(await readdir(living)).toEqual(['rows.csv'])
})

test('scratch of another host is kept for a day after its last change', async () => {
  const there = host('etl-2', 7, { 7: 'boot:70' })
  const here = host('etl-1', 7, { 7: 'boot:70' })
  const young = await makeScratch(root, 'young', there)
  const old = await makeScratch(root, 'old', there)
  await utimes(young, (NOW - 23 * HOUR) / 1000, (NOW - 23 * HOUR) / 1000)
  await utimes(old, (NOW - 24 * HOUR) / 1000, (NOW - 24 * HOUR) / 1000)
  await sweepScratch(root, here, NOW)
  expect(await left()).toEqual([basename(young)])
})

test('what is not a scratch folder is nobody’s to remove', async () => {
  await mkdir(join(root, '_tmp', 'mine'), { recursive: true })
  await writeFile(join(root, '_tmp', 'notes.txt'), 'mine')
  await sweepScratch(root, host('etl-1', 7, {}), NOW)
  expect(await left()).toEqual(['mine', 'notes.txt'])
})

test('a _tmp that is a link out of the lake is neither used nor swept', async () => {
  const outside = join(root, 'outside')
  const lake = join(root, 'lake')
  const owner = host('etl-1', 7, { 7: 'boot:70' })
  await mkdir(lake)
  const theirs = await makeScratch(outside, 'run', owner)
  await symlink(join(outside, '_tmp'), join(lake, '_tmp'))
  await expect(makeScratch(lake, 'run', owner)).rejects.toMatchObject({
    code: 'LAKE_NOT_WRITABLE',
    message: expect.stringContaining('_tmp is not a folder of the lake'),
  })
  await sweepScratch(lake, host('etl-1', 8, {}), NOW)
  expect(await readdir(join(outside, '_tmp'))).toEqual([basename(theirs)])
})

test('a lake without _tmp has nothing to sweep', async () => {
  await sweepScratch(root, host('etl-1', 7, {}), NOW)
  expect(await readdir(root)).toEqual([])
})
