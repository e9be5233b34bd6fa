/** A world for one test: its lake is a folder of its own, and everything is closed and removed when the test ends. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { openWorld, type Server, type World, type WorldOptions } from './open-world.ts'

export type { EntryOverrides, World, WorldOptions } from './open-world.ts'

export async function createWorld(server: Server | string, options: WorldOptions = {}): Promise<World> {
  const root = await mkdtemp(join(tmpdir(), 'tidemark-world-'))
  onTestFinished(() => rm(root, { recursive: true, force: true }))
  return await openWorld(server, root, { ...options, atEnd: close => onTestFinished(close) })
}
