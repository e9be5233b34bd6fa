/** Where the demo's lake is: in a folder, or with `--store azure` or `--store s3` in an emulator that the demo starts. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'

const { values } = parseArgs({ options: { store: { type: 'string', default: 'folder' } } })

export const STORE: 'folder' | 'azure' | 's3' = readStore(values.store)

/** Put behind every command, so that all of them mean the same lake. */
export const TARGET_ARGS: readonly string[] = STORE === 'folder' ? [] : ['--target', STORE]

export interface Emulator extends AsyncDisposable {
  /** What the project needs to reach it. */
  readonly env: Readonly<Record<string, string>>
  /** What every process on such a machine finds in its environment. */
  readonly machine: Readonly<Record<string, string>>
  readonly story: string | undefined
}

/** Start the emulator of the store with an empty container; nothing for a folder. */
export async function startEmulator(): Promise<Emulator> {
  if (STORE === 'folder')
    return { env: {}, machine: {}, story: undefined, [Symbol.asyncDispose]: () => Promise.resolve() }
  if (STORE === 'azure') return await startAzure()
  const { findMissingMoto, MOTO_LOGIN, startMoto } = await import('../../test/support/cloud/moto.ts')
  const missing = findMissingMoto()
  if (missing !== undefined) throw new Error(missing)
  const moto = await startMoto()
  await moto.makeBucket('lake')
  const login = { LAKE_KEY_ID: MOTO_LOGIN.accessKeyId, LAKE_KEY: MOTO_LOGIN.secretAccessKey }
  const story = `moto stands for S3; the lake is s3://lake/music on ${moto.endpoint}.`
  return {
    env: { TIDEMARK_VAR_lake_endpoint: moto.endpoint, ...login },
    machine: {},
    story,
    [Symbol.asyncDispose]: () => moto[Symbol.asyncDispose](),
  }
}

/** A machine in Azure that has a managed identity: whatever runs on it reaches the account over TLS, and nothing holds a key. */
async function startAzure(): Promise<Emulator> {
  const { startAzurite } = await import('../../test/support/cloud/azurite.ts')
  const { findMissingOpenssl, trustNewCertificate } = await import('../../test/support/cloud/certificate.ts')
  const { startManagedIdentity } = await import('../../test/support/cloud/managed-identity.ts')
  const missing = findMissingOpenssl()
  if (missing !== undefined) throw new Error(`a storage account speaks TLS, and ${missing} to make its certificate`)
  const folder = await mkdtemp(join(tmpdir(), 'tidemark-demo-azure-'))
  const certificate = trustNewCertificate(folder)
  const [azurite, identity] = await Promise.all([startAzurite(certificate), startManagedIdentity()])
  await azurite.makeContainer('lake')
  return {
    env: { TIDEMARK_VAR_lake_endpoint: azurite.endpoint },
    machine: { ...identity.env, NODE_EXTRA_CA_CERTS: certificate.cert },
    story: `Azurite stands for a storage account, a small server for the managed identity of this machine. The lake is
az://lake/music on ${azurite.endpoint}; project and runs hold no key.`,
    [Symbol.asyncDispose]: async () => {
      await azurite[Symbol.asyncDispose]()
      await identity[Symbol.asyncDispose]()
      await rm(folder, { recursive: true })
    },
  }
}

function readStore(text: string): typeof STORE {
  if (text === 'folder' || text === 'azure' || text === 's3') return text
  throw new Error(`--store is folder, azure or s3, and not ${text}`)
}
