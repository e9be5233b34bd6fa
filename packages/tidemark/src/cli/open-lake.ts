/** The lake of a project as a command needs it: to list, to query, or to work in. */
import type { LoadedProject } from '../config/load-project.ts'
import type { ObjectStore } from '../model/ports.ts'
import { type Lake, type LakePlace, type LakeReader, openLake, openLakeReader, lakeStore } from '../run/lake.ts'
import { assertOwnLake } from '../run/lake-owner.ts'
import type { CliPorts } from './ports.ts'
import { remoteLakeOf } from './remote-lake.ts'

/** For commands that read logs and facts; needs no right to write anywhere. */
export function storeOf(ports: CliPorts, loaded: LoadedProject): Promise<ObjectStore> {
  return lakeStore(placeOf(ports, loaded))
}

/**
 * For commands that read rows; needs no right to write in the lake.
 *
 * @param folders absolute folders of tables outside the lake that may be read too
 */
export function openReaderOf(
  ports: CliPorts,
  loaded: LoadedProject,
  folders: readonly string[] = [],
): Promise<LakeReader> {
  const { ids, temporary, processes } = ports
  const memory = loaded.project.engineMemory
  return openLakeReader(placeOf(ports, loaded), { ids, temporary, processes, memory, folders })
}

/**
 * For commands that are no run and write: their scratch is kept apart from runs.
 *
 * @throws {LAKE_OF_ANOTHER_PROJECT} before anything is made in it
 */
export async function openLakeOf(ports: CliPorts, loaded: LoadedProject): Promise<Lake> {
  const { ids, processes } = ports
  await assertOwnLake(await storeOf(ports, loaded), loaded.project)
  const memory = loaded.project.engineMemory
  return openLake(placeOf(ports, loaded), { work: `work-${ids.uuid()}`, ids, processes, memory })
}

function placeOf(ports: CliPorts, loaded: LoadedProject): LakePlace {
  return remoteLakeOf(ports, loaded) ?? loaded.project.lake
}
