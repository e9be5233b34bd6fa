/** Sources are opened side by side with what reading them will need. */
import { expect, test } from 'vitest'
import type { ExtensionOf } from '../engine/engine.ts'
import type { Project } from '../model/project.ts'
import type { Source } from '../sources/source.ts'
import { openSources } from './prepare.ts'

const PLACE = { file: 'loop_input.json', line: 1, column: 1, length: 1 }
const EXTENSION: ExtensionOf = { name: 'source app', file: undefined }

/** What the engine was asked to get ready before a source with tables `a` and `b` had answered. */
async function preparedWhere(there: () => Promise<readonly string[]>): Promise<ExtensionOf[]> {
  const prepared: ExtensionOf[] = []
  let before: number | undefined
  const source: Partial<Source> = {
    name: 'app',
    prepareDirect: engine => engine.prepareBeside(EXTENSION),
    openSnapshot: async () => {
      await new Promise(setImmediate)
      before = prepared.length
      throw new Error('the server is away')
    },
  }
  const entry = { source: 'app', schema: 'public', primaryKey: undefined, place: PLACE }
  const project: Partial<Project> = {
    sources: [{ name: 'app', type: 'postgres', prefix: '', place: PLACE }] as unknown as Project['sources'],
    tables: [
      { ...entry, table: 'a' },
      { ...entry, table: 'b' },
    ] as unknown as Project['tables'],
    flows: [],
  }
  const [opened] = await openSources(
    project as Project,
    { open: () => Promise.resolve(source as Source), salt: () => undefined },
    {
      signal: AbortSignal.timeout(10_000),
      loaded: () => Promise.resolve([]),
      loading: { engine: { prepareBeside: extension => void prepared.push(extension) }, there },
    },
  )
  expect(opened?.refused.map(({ problem }) => problem.message)).toEqual([
    expect.stringContaining('away'),
    expect.stringContaining('away'),
  ])
  expect(before).toBe(prepared.length)
  return prepared
}

test('where a table has yet to be loaded, the engine gets ready for it while the source is asked', async () => {
  expect(await preparedWhere(() => Promise.resolve(['bronze.a']))).toEqual([EXTENSION])
})

test('where all tables are there nothing is made ready, nor where nobody can say', async () => {
  expect(await preparedWhere(() => Promise.resolve(['bronze.a', 'bronze.b']))).toEqual([])
  expect(await preparedWhere(() => Promise.reject(new Error('the lake is away')))).toEqual([])
})
