/** Which databases the tests of this project speak with: every one, or that one of which another release is tried. */

const VARIABLES = { postgres: 'TIDEMARK_TEST_POSTGRES', mysql: 'TIDEMARK_TEST_MYSQL' }
const tried = Object.entries(VARIABLES).flatMap(([name, variable]) =>
  process.env[variable] === undefined ? [] : [name],
)

export function isTried(database: 'postgres' | 'mysql' | 'sqlite' | 'sqlserver'): boolean {
  return tried.length === 0 || tried.includes(database)
}
