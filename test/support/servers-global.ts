/**
 * Database servers of a test run: each worker has its own, started when a test of it first asks. A source is proved
 * quiet only while nobody else writes on its server, and files of different workers run at once. Tests reach them
 * through `test/support/postgres.ts` and `test/support/mariadb.ts`.
 */
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { TestProject } from 'vitest/node'
import { findServer, startTestMariadb } from './mariadb-server.ts'
import { startTestPostgres } from './postgres-server.ts'

/** How to reach a server, as a worker is told. */
export interface TestServer {
  readonly host: string
  readonly port: number
  readonly user: string
  readonly password: string
}

export interface StartedServer {
  readonly server: TestServer
  /** Stop it and remove its files. */
  stop(): Promise<void>
}

declare module 'vitest' {
  export interface ProvidedContext {
    /** Address on loopback that only this run knows; `/postgres/2` is the second worker's PostgreSQL. */
    servers: string
    hasMariadb: boolean
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  // Workers are given the project's variables; this process has its own alone.
  const env: NodeJS.ProcessEnv = { ...process.env, ...project.config.env }
  const program = await findServer(env)
  if (program === undefined) {
    console.warn(
      'Tests of MySQL sources are left out: there is no mariadbd or mysqld that the account of the server reaches (Debian: apt-get install mariadb-server).',
    )
  }
  project.provide('hasMariadb', program !== undefined)
  const starts: Readonly<Record<string, () => Promise<StartedServer>>> = {
    postgres: () => startTestPostgres(env['TIDEMARK_TEST_POSTGRES']),
    ...(program !== undefined && { mariadb: () => startTestMariadb(program) }),
  }
  const started = new Map<string, Promise<StartedServer>>()
  const find = (path: string): Promise<StartedServer> => {
    const start = starts[path.split('/')[0] ?? '']
    if (start === undefined) return Promise.reject(new Error(`no server is called ${path}`))
    const found = started.get(path) ?? start()
    started.set(path, found)
    return found
  }
  const root = `/${randomBytes(32).toString('hex')}/`
  const desk = createServer((request, response) => {
    const path = request.url?.startsWith(root) === true ? request.url.slice(root.length) : ''
    find(path).then(
      ({ server }) => response.end(JSON.stringify(server)),
      (error: unknown) => response.writeHead(500).end(String(error)),
    )
  }).listen(0, '127.0.0.1')
  await once(desk, 'listening')
  const address = desk.address()
  if (address === null || typeof address === 'string') throw new Error('this machine gave no TCP port')
  project.provide('servers', `http://127.0.0.1:${address.port}${root}`)
  return async () => {
    desk.close()
    desk.closeAllConnections()
    // One that failed to start has told the test that asked for it.
    for (const one of await Promise.allSettled(started.values())) {
      if (one.status === 'fulfilled') await one.value.stop()
    }
  }
}
