/**
 * Releases of databases, besides those of `npm test`, on which the tests that speak with the database run as well: a project
 * of vitest for each that `scripts/setup-interop.js` has put in `.cache`.
 */
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

export interface Release {
  /** Of the project, of the folder in `.cache` and of the list of packages beside this file. */
  name: string
  /** The variable that names the folder to the tests. */
  variable: string
  /** Tests that speak with the database in ways that a release may not know. */
  include: readonly string[]
}

const POSTGRES = [
  'contract/{altered,changes,doctor,drift,estimates,ingest*,masks-project,max-connections,pooled-source,postgres-server}.test.ts',
  'contract/{quiet-source,reload-source,restored-source,round-trips,slot-faults,source-*,time-zones,verify}.test.ts',
  'contract/workload.test.ts',
]

/** Of a MySQL server; the tests that `npm test` runs on the machine's own server, which is most often a MariaDB. */
const MYSQL = [
  'contract/{altered,doctor,drift,ingestions,mysql-*,restored-mariadb,time-zones}.test.ts',
  'live/mysql-writers.test.ts',
]

const RELEASES: readonly Release[] = [
  ...['12', '13', '14', '15', '16', '17'].map(release => ({
    name: `postgres-${release}`,
    variable: 'TIDEMARK_TEST_POSTGRES',
    include: POSTGRES.map(files => `test/${files}`),
  })),
  { name: 'mysql', variable: 'TIDEMARK_TEST_MYSQL', include: MYSQL.map(files => `test/${files}`) },
]

/** Those that are installed. */
export const FOUND: readonly (Release & { folder: string })[] = RELEASES.map(release => ({
  ...release,
  folder: fileURLToPath(new URL(`../../../.cache/${release.name}`, import.meta.url)),
})).filter(({ folder }) => existsSync(`${folder}/installed.txt`))
