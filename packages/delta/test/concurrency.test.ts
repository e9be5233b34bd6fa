import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { commit, LocalStore, readCommits, readSnapshot, stageCreate } from '../src/index.ts'
import { ROW_SCHEMA, testPorts } from './support/rows.ts'

const WRITERS = ['a', 'b', 'c', 'd']
const COMMITS = 25

test('four processes on one table: versions without gap, every acknowledged commit there exactly once', async () => {
  const root = await mkdtemp(join(tmpdir(), 'tidemark-race-'))
  try {
    const store = new LocalStore(root)
    await commit(
      testPorts(store),
      stageCreate({ tablePath: 't', schema: ROW_SCHEMA, info: { operation: 'CREATE TABLE' } }),
    )
    const script = join(import.meta.dirname, 'support', 'committer.ts')
    const outputs = await Promise.all(
      WRITERS.map(name => promisify(execFile)(process.execPath, [script, root, name, String(COMMITS)])),
    )
    const acknowledged = outputs.flatMap(({ stdout }) => stdout.trim().split('\n')).sort()
    const latest = await readSnapshot({ store }, { tablePath: 't' })
    expect(latest?.version).toBe(BigInt(WRITERS.length * COMMITS))
    const commits = await readCommits(store, 't', { after: 0n, upTo: latest?.version ?? 0n })
    expect(commits.map(c => `${c.version} ${String(c.commitInfo?.['runId'])}`).sort()).toEqual(acknowledged)
    expect(latest?.files.size).toBe(acknowledged.length)
    expect(new Set(commits.map(c => c.commitInfo?.txnId)).size).toBe(commits.length)
  } finally {
    await rm(root, { recursive: true })
  }
})
