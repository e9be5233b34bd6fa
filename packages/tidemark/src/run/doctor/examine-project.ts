/** `doctor`: every source and the lake of a project, looked at side by side. Nothing is written to any source. */
import type { DoctorReport } from '../../model/finding.ts'
import type { Project } from '../../model/project.ts'
import type { RemoteLakePlace } from '../lake.ts'
import type { SourceOpener } from '../prepare.ts'
import { examineLake } from './examine-lake.ts'
import { examineSource } from './examine-source.ts'

export async function examineProject(
  project: Project,
  { opener, remote, signal }: { opener: SourceOpener; remote: RemoteLakePlace | undefined; signal: AbortSignal },
): Promise<DoctorReport> {
  const [sources, findings] = await Promise.all([
    Promise.all(project.sources.map(config => examineSource(project, config, opener, signal))),
    examineLake(project, remote),
  ])
  return { sources, lake: { place: project.lake, findings } }
}
