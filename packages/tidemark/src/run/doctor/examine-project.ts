/** `doctor`: every source and the lake of a project, looked at side by side. Nothing is written to any source. */
import type { DoctorReport, Finding } from '../../model/finding.ts'
import type { Project } from '../../model/project.ts'
import type { RemoteLakePlace } from '../lake.ts'
import type { SourceOpener } from '../prepare.ts'
import { examineLake } from './examine-lake.ts'
import { examineSource } from './examine-source.ts'

export interface ExamineOptions {
  opener: SourceOpener
  remote: RemoteLakePlace | undefined
  /** Ask vaults for every secret of the project that they keep. */
  secrets: () => Promise<readonly Finding[]>
  signal: AbortSignal
}

export async function examineProject(
  project: Project,
  { opener, remote, secrets, signal }: ExamineOptions,
): Promise<DoctorReport> {
  const [kept, sources, findings] = await Promise.all([
    secrets(),
    Promise.all(project.sources.map(config => examineSource(project, config, opener, signal))),
    examineLake(project, remote),
  ])
  return { secrets: kept, sources, lake: { place: project.lake, findings } }
}
