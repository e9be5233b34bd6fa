/** A lake opened by a command that is not a run: it reads, and keeps its scratch apart from runs. */
import type { Project } from '../model/project.ts'
import { type Lake, openLake } from '../run/lake.ts'
import type { CliPorts } from './ports.ts'

export async function openLakeFor(ports: CliPorts, project: Project): Promise<Lake> {
  return openLake(project.lake, `read-${ports.ids.uuid()}`, ports.ids)
}
