/** The table that copies of others are audited against: ten rows a second, so that some share theirs with any mark. */
import { expect } from 'vitest'
import type { Audit } from '../../packages/tidemark/src/ingest/audit.ts'
import { createProject } from './cli.ts'
import type { TestDatabase } from './postgres.ts'

export const STREAM = `CREATE TABLE stream (stream_id bigint PRIMARY KEY, seconds numeric(10, 2), paid boolean,
  played_at timestamptz, day date, note text)`

/** @param ids what stands behind FROM, with the numbers as `g` */
export const streamRows = (ids: string): string =>
  `INSERT INTO stream SELECT g, g * 0.25, g % 2 = 0, timestamptz '2026-01-01 00:00+00' + (g / 10) * interval '1 second',
    date '2026-01-01' + g % 7, CASE WHEN g % 3 > 0 THEN 'note é ' || g END FROM ${ids}`

/** `audit` of copies by the cursor that everybody uses; paths are those of the project's folder. */
export async function openAudit(
  database: Pick<TestDatabase, 'url'>,
): Promise<{ root: string; audited: (against: string) => Promise<Audit> }> {
  const project = await createProject({}, { AUDIT_URL: database.url }, 'in this process')
  const audited = async (against: string): Promise<Audit> => {
    const args = ['--source', 'env:AUDIT_URL', '--against', against, '--cursor', 'played_at', '--json']
    const { stdout, stderr } = await project.tidemark('audit', 'public.stream', ...args)
    expect(stderr).toBe('')
    return JSON.parse(stdout) as Audit
  }
  return { root: project.root, audited }
}
