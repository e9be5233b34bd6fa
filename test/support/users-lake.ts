/** A lake with one table of a known history, made without a source. */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { commit, LocalStore, type Snapshot, stageAppend, stageCreate, type Staged } from '@tidemark/delta'
import { openDuckdb } from '../../packages/tidemark/src/engine/duckdb.ts'
import { sessionParquet } from '../../packages/tidemark/src/engine/relations.ts'
import { systemClock, systemIds } from '../../packages/tidemark/src/run/system.ts'
import { schemaOf, valuesRelation } from '../contract/flows-lake.ts'
import { type CliProject, createProject } from './cli.ts'

const SCHEMA = schemaOf({ id: 'long', name: 'string' })
/** A project over a lake in a folder, whose source cannot be reached. */
export const LOCAL_PROJECT = `name: shop
lake: ./lake
sources:
  app: { type: postgres, url: { secret: env:APP_DATABASE_URL }, tables: [{ schema: public, table: users }] }
`

/**
 * A project in whose folder `lake` is the table silver/users, with one commit a row and one row a file.
 *
 * @param checkpointEvery commits between two checkpoints
 */
export async function createUsersLake(
  files: Readonly<Record<string, string>>,
  rows: number,
  checkpointEvery = 10,
): Promise<CliProject> {
  const project = await createProject(files, {}, 'in this process')
  project.env['APP_DATABASE_URL'] = 'postgres://nobody@127.0.0.1:1/none'
  await mkdir(project.lake)
  const store = new LocalStore(project.lake)
  const engine = openDuckdb({
    store,
    ids: systemIds,
    scratch: join(project.root, 'made'),
    folders: [project.lake],
  })
  try {
    await using session = await engine.session()
    const ports = { store, logParquet: engine.logParquet, clock: systemClock, ids: systemIds }
    const publish = async (staged: Staged): Promise<Snapshot> => {
      const result = await commit(ports, staged)
      if (result.kind === 'conflict') throw new Error(result.reason)
      return result.snapshot
    }
    const tablePath = 'silver/users'
    const configuration = {
      'delta.enableChangeDataFeed': 'true',
      'delta.checkpointInterval': String(checkpointEvery),
    }
    let snapshot = await publish(
      stageCreate({ tablePath, schema: SCHEMA, configuration, info: { operation: 'CREATE TABLE' } }),
    )
    for (let id = 1; id <= rows; id += 1) {
      const relation = valuesRelation(SCHEMA, [{ id, name: `n${id}` }])
      const files = await sessionParquet(session).write(relation, { tablePath, schema: SCHEMA })
      snapshot = await publish(stageAppend(snapshot, { files, info: { operation: 'WRITE', runId: `run-${id}` } }))
    }
  } finally {
    await engine.close()
  }
  return project
}
