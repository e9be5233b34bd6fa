/** A folder and both emulators as places for lakes, started for one bench. The emulators run on the same machine. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { startAzurite } from '../test/support/cloud/azurite.ts'
import { azuriteLake, type EmulatedLake, motoLake } from '../test/support/cloud/emulated-lake.ts'
import { findMissingMoto, startMoto } from '../test/support/cloud/moto.ts'

export interface BenchStore {
  readonly name: string
  /** A project in a new folder, over an empty lake, with the tables of the list. */
  readonly project: (tables: readonly object[]) => Promise<BenchProject>
}

export interface BenchProject {
  readonly root: string
  readonly env: Readonly<Record<string, string>>
}

export interface BenchStores extends AsyncDisposable {
  /** The folder first; S3 only where moto is installed. */
  readonly stores: readonly BenchStore[]
}

/** @param folder for the projects; `url` the address of the PostgreSQL that they read */
export async function startStores(folder: string, url: string): Promise<BenchStores> {
  const azurite = await startAzurite()
  await azurite.makeContainer('lake')
  const moto = findMissingMoto() === undefined ? await startMoto() : undefined
  await moto?.makeBucket('lake')
  let made = 0
  const store = (name: string, lake: (n: number) => { keys: object; env: EmulatedLake['env'] }): BenchStore => ({
    name,
    project: async tables => {
      made += 1
      const root = join(folder, String(made))
      await mkdir(root, { recursive: true })
      const { keys, env } = lake(made)
      const app = { type: 'postgres', url: { secret: 'env:BENCH_URL' }, tables }
      await writeFile(join(root, 'tidemark.yml'), JSON.stringify({ name: 'bench', ...keys, sources: { app } }))
      return { root, env: { ...env, BENCH_URL: url } }
    },
  })
  return {
    stores: [
      store('folder', () => ({ keys: { lake: './lake' }, env: {} })),
      store('Azurite', n => azuriteLake(azurite.endpoint, `az://lake/${n}`)),
      ...(moto === undefined ? [] : [store('moto', n => motoLake(moto.endpoint, `s3://lake/${n}`))]),
    ],
    [Symbol.asyncDispose]: async () => {
      await azurite[Symbol.asyncDispose]()
      await moto?.[Symbol.asyncDispose]()
    },
  }
}
