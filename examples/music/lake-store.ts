/** Where the demo's lake is: in a folder, or with `--store azure` or `--store s3` in an emulator that the demo starts. */
import { parseArgs } from 'node:util'

const { values } = parseArgs({ options: { store: { type: 'string', default: 'folder' } } })

export const STORE: 'folder' | 'azure' | 's3' = readStore(values.store)

/** Put behind every command, so that all of them mean the same lake. */
export const TARGET_ARGS: readonly string[] = STORE === 'folder' ? [] : ['--target', STORE]

export interface Emulator extends AsyncDisposable {
  /** What the project needs to reach it. */
  readonly env: Readonly<Record<string, string>>
  readonly story: string | undefined
}

/** Start the emulator of the store with an empty container; nothing for a folder. */
export async function startEmulator(): Promise<Emulator> {
  if (STORE === 'folder') return { env: {}, story: undefined, [Symbol.asyncDispose]: () => Promise.resolve() }
  if (STORE === 'azure') {
    const { AZURITE_KEY, startAzurite } = await import('../../test/support/cloud/azurite.ts')
    const azurite = await startAzurite()
    await azurite.makeContainer('lake')
    const env = { TIDEMARK_VAR_lake_endpoint: azurite.endpoint, LAKE_KEY: AZURITE_KEY }
    const story = `Azurite stands for a storage account; the lake is az://lake/music on ${azurite.endpoint}.`
    return { env, story, [Symbol.asyncDispose]: () => azurite[Symbol.asyncDispose]() }
  }
  const { findMissingMoto, MOTO_LOGIN, startMoto } = await import('../../test/support/cloud/moto.ts')
  const missing = findMissingMoto()
  if (missing !== undefined) throw new Error(missing)
  const moto = await startMoto()
  await moto.makeBucket('lake')
  const login = { LAKE_KEY_ID: MOTO_LOGIN.accessKeyId, LAKE_KEY: MOTO_LOGIN.secretAccessKey }
  const story = `moto stands for S3; the lake is s3://lake/music on ${moto.endpoint}.`
  return {
    env: { TIDEMARK_VAR_lake_endpoint: moto.endpoint, ...login },
    story,
    [Symbol.asyncDispose]: () => moto[Symbol.asyncDispose](),
  }
}

function readStore(text: string): typeof STORE {
  if (text === 'folder' || text === 'azure' || text === 's3') return text
  throw new Error(`--store is folder, azure or s3, and not ${text}`)
}
