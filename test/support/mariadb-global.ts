/**
 * One MariaDB or MySQL server for a whole test run, where the machine has one. Tests reach it through
 * `test/support/mariadb.ts`.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestProject } from 'vitest/node'
import { findServer, startMariadb } from './mariadb-server.ts'

declare module 'vitest' {
  export interface ProvidedContext {
    mariadb: { host: string; port: number; user: string; password: string; version: string } | undefined
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const program = await findServer()
  if (program === undefined) {
    project.provide('mariadb', undefined)
    console.warn(
      'Tests of MySQL sources are left out: there is no mariadbd or mysqld (Debian: apt-get install mariadb-server).',
    )
    return () => Promise.resolve()
  }
  const directory = await mkdtemp(join(tmpdir(), 'tidemark-test-mariadb-'))
  const server = await startMariadb(program, directory)
  const { host, port, user, password, version } = server
  project.provide('mariadb', { host, port, user, password, version })
  return async () => {
    await server.stop()
    await rm(directory, { recursive: true, force: true })
  }
}
