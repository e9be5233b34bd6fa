/** The lake of a project as a command needs it: to list, to query, or to work in. */
import type { ObjectStore } from '../model/ports.ts'
import type { Project } from '../model/project.ts'
import { type Lake, type LakeReader, openLake, openLakeReader, lakeStore } from '../run/lake.ts'
import { assertOwnLake } from '../run/lake-owner.ts'
import type { CliPorts } from './ports.ts'

/** For commands that read logs and facts; needs no right to write anywhere. */
export function storeOf({ lake }: Project): Promise<ObjectStore> {
  return lakeStore(lake)
}

/**
 * For commands that read rows; needs no right to write in the lake.
 *
 * @param folders absolute folders of tables outside the lake that may be read too
 */
export function openReaderOf(
  { ids, temporary }: CliPorts,
  { lake }: Project,
  folders: readonly string[] = [],
): Promise<LakeReader> {
  return openLakeReader(lake, { ids, temporary, folders })
}

/**
 * For commands that are no run and write: their scratch is kept apart from runs.
 *
 * @throws {LAKE_OF_ANOTHER_PROJECT} before anything is made in it
 */
export async function openLakeOf({ ids, processes }: CliPorts, project: Project): Promise<Lake> {
  await assertOwnLake(await lakeStore(project.lake), project)
  return openLake(project.lake, { work: `work-${ids.uuid()}`, ids, processes })
}
