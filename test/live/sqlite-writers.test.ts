/**
 * A SQLite file under live writers: processes write it, some killed with kill -9, while `run` is started again and again
 * and killed, too. In the end bronze equals the file, and the file is what its writers made of it.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { readdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import { createRandom } from '../../examples/music/random.ts'
import { TIDEMARK } from '../support/cli.ts'
import { createProject, failures, type TestProject, unbalanced } from '../support/project.ts'
import { createSqliteFile } from '../support/sqlite.ts'

const SEED = Number(process.env['TIDEMARK_LIVE_SEED'] ?? Date.now() % 1_000_000)
const RUNS = Number(process.env['TIDEMARK_KILLS'] ?? 12)
const WRITERS = 3
const WRITER = fileURLToPath(new URL('sqlite-writer.ts', import.meta.url))

interface Writer {
  child: ChildProcess
  ended: Promise<void>
  commits: number
}

function startWriter(path: string, name: string, seed: number): Writer {
  const child = spawn(process.execPath, ['--conditions=source', WRITER, path, name, String(seed)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const ended = new Promise<void>((resolve, reject) => {
    child.on('close', (code, signal) => {
      // One that is told to stop before it listens ends by that.
      if (code === 0 || signal === 'SIGKILL' || signal === 'SIGTERM') resolve()
      else reject(new Error(`writer ${name} ended with ${code ?? signal}`))
    })
  })
  const writer: Writer = { child, ended, commits: 0 }
  child.stdout?.on('data', (text: Buffer) => {
    writer.commits += String(text).split('done').length - 1
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  return writer
}

/** One `run` as a process, killed after so long; its exit code, or `killed`. */
function startRun(
  project: TestProject,
  killAfterMs: number | undefined,
): Promise<{ exit: number | 'killed'; said: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [TIDEMARK, 'run'], {
      cwd: project.root,
      env: { ...process.env, ...project.env, NO_COLOR: '1' },
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    let said = ''
    child.stderr.on('data', (text: Buffer) => {
      said += String(text)
    })
    if (killAfterMs !== undefined) void delay(killAfterMs).then(() => child.kill('SIGKILL'))
    child.on('error', reject)
    child.on('close', (code, signal) => resolve({ exit: signal === 'SIGKILL' ? 'killed' : (code ?? -1), said }))
  })
}

test.each(['wal', 'delete'] as const)(
  `${WRITERS} writing processes, a run that loops, kill -9 of all of them (%s): bronze equals the file; TIDEMARK_LIVE_SEED=${SEED}`,
  async journal => {
    const random = createRandom(SEED)
    const file = await createSqliteFile(
      `CREATE TABLE event (id text PRIMARY KEY NOT NULL, v text, n integer NOT NULL);
       WITH RECURSIVE c (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < 3000)
       INSERT INTO event SELECT 'old-' || i, printf('%.*c', 200, 'x'), i FROM c`,
      journal,
    )
    file.writer.close()
    const project = await createProject({ url: file.url, tables: [{ schema: 'main', table: 'event' }] })
    onTestFinished(() => project[Symbol.asyncDispose]())
    const writers = Array.from({ length: WRITERS }, (_, n) => startWriter(file.path, `w${n}`, SEED + n))
    let [commits, killed, done] = [0, 0, 0]
    // What a run takes here and now: a moment beyond it kills nothing.
    let usualMs = 1000
    // A slow machine, or one on which the file is hardly ever free, is given more rounds.
    const isEnough = (): boolean => Math.min(killed, done) > 0
    for (let round = 0; round < RUNS || (!isEnough() && round < 10 * RUNS); round += 1) {
      const started = performance.now()
      const { exit, said } = await startRun(project, round % 2 === 1 ? random.integer(100, usualMs) : undefined)
      if (exit === 'killed') killed += 1
      else if (exit === 0) {
        done += 1
        usualMs = Math.max(200, Math.round(performance.now() - started))
      }
      // With a rollback journal a writer may keep the file for long, and one that died leaves it to the next to clean up.
      else expect(said, `round ${round}`).toMatch(/SOURCE_DATABASE_LOCKED/)
      const dying = writers[round % WRITERS]
      if (dying === undefined || round % 3 !== 0) continue
      dying.child.kill('SIGKILL')
      await dying.ended
      commits += dying.commits
      writers[round % WRITERS] = startWriter(file.path, `w${round % WRITERS}`, SEED + 100 + round)
    }
    for (const { child } of writers) child.kill('SIGTERM')
    await Promise.all(writers.map(({ ended }) => ended))
    commits += writers.reduce((sum, one) => sum + one.commits, 0)
    console.info(`seed ${SEED} (${journal}): ${commits} commits, ${done} runs done, ${killed} killed`)
    expect(isEnough() && commits > 0).toBe(true)

    // A writer that was killed in its transaction leaves a journal or a log, which the next writer takes in.
    const { DatabaseSync } = await import('node:sqlite')
    const writer = new DatabaseSync(file.path)
    const wanted = writer.prepare('SELECT id, v, CAST(n AS text) AS n FROM event ORDER BY id').all()
    writer.close()
    const last = await project.run()
    expect(failures(last)).toEqual([])
    expect(unbalanced(last.results)).toEqual([])
    expect(await project.rows('SELECT id, v, CAST(n AS VARCHAR) AS n FROM {silver.event} ORDER BY id')).toEqual(
      wanted.map(row => ({ ...row })),
    )
    expect((await project.verify()).map(({ status }) => status)).toEqual(['equal'])
    const twice = await project.rows('SELECT id, _seq FROM {bronze.event} GROUP BY ALL HAVING count(*) > 1')
    expect(twice).toEqual([])
    expect(await readdir(dirname(file.path)), 'nothing lies beside the file').toEqual(['app.db'])
  },
)
