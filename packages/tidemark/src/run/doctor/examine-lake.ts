/**
 * The lake looked at before a run needs it: a folder by its rights and free space, one elsewhere by trying each right
 * under a name of the probe's own.
 */
import { LAKE_NOT_WRITABLE } from '../../errors/run.ts'
import { type Finding, failing, ok, warning } from '../../model/finding.ts'
import type { Project } from '../../model/project.ts'
import { findRefused, probeFolder } from '../../storage/probe-folder.ts'
import type { RemoteLakePlace } from '../lake.ts'
import { LAYERS } from '../lake-tables.ts'
import { toProblem } from '../problem-fact.ts'

/** Less than this and the next load of a big table may not fit. */
const LITTLE_BYTES = 1_000_000_000n

/** What a run writes besides tables: its account, and what it works with. */
const BESIDE_LAYERS = ['system', '_tmp']

/** @param remote undefined for a folder of this machine */
export async function examineLake(
  { lake, remote: options }: Pick<Project, 'lake' | 'remote'>,
  remote: RemoteLakePlace | undefined,
): Promise<Finding[]> {
  try {
    if (remote === undefined) return await examineFolder(lake)
    const { login, facts } = await remote.probe()
    const isByKey = options !== undefined && options.login.kind !== 'identity'
    return [
      isByKey
        ? warning(
            'login',
            `${login}; a key works for whoever holds it`,
            'leave it out, and give the machine an identity',
          )
        : ok('login', login),
      ...facts.map(({ action, failure, needs }): Finding => {
        if (failure === undefined) return ok('rights', action)
        const problem = toProblem(failure, lake)
        return { ...failing('rights', problem), says: `${action}: ${problem.message}`, remedy: `it takes ${needs}` }
      }),
    ]
  } catch (error) {
    return [failing('lake', toProblem(error, lake))]
  }
}

/** A folder that is not there yet is made by the first run, in the nearest one above it. */
async function examineFolder(lake: string): Promise<Finding[]> {
  const { folder, refused, freeBytes } = await probeFolder(lake)
  if (refused !== undefined) return [failing('folder', LAKE_NOT_WRITABLE({ lake: folder, reason: refused }))]
  const below = folder === lake ? await findRefused(lake, [...LAYERS, ...BESIDE_LAYERS]) : undefined
  if (below !== undefined) return [failing('folder', LAKE_NOT_WRITABLE({ lake: below.folder, reason: below.refused }))]
  const says = `${freeBytes / 1_000_000n} MB free`
  return [
    ok('folder', folder === lake ? 'can be read and written' : 'is made by the first run'),
    freeBytes < LITTLE_BYTES
      ? warning('space', says, 'tidemark vacuum removes files that no version needs')
      : ok('space', says),
  ]
}
