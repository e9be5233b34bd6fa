/** The database servers of this worker; the first to ask waits until one has started. */
import { inject } from 'vitest'
import type { TestServer } from './servers-global.ts'

export async function findOwnServer(kind: 'postgres' | 'mariadb'): Promise<TestServer> {
  // Numbers of workers that run at once differ; a worker's successor gets its number and its server.
  const response = await fetch(`${inject('servers')}${kind}/${process.env['VITEST_POOL_ID']}`)
  if (!response.ok) throw new Error(await response.text())
  return (await response.json()) as TestServer
}
