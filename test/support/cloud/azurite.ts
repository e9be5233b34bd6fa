/** Azurite, the emulator of Azure Blob Storage: a server in memory, with a container a test. */
import { createRequire } from 'node:module'
import { BlobServiceClient, StorageSharedKeyCredential } from '@azure/storage-blob'
import { startChild } from './child.ts'

/** The emulator's one account; its key is printed in the emulator's documentation and opens nothing else. */
export const AZURITE_ACCOUNT = 'devstoreaccount1'
export const AZURITE_KEY = 'Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=='

export interface Azurite extends AsyncDisposable {
  /** Address of the blob service. */
  readonly endpoint: string
  /** Fine when it is there. */
  makeContainer(name: string): Promise<void>
}

/** @param certificate files with which it speaks TLS and takes tokens */
export async function startAzurite(certificate?: { cert: string; key: string }): Promise<Azurite> {
  const main = createRequire(import.meta.url).resolve('azurite/dist/src/blob/main.js')
  const args = [main, '--inMemoryPersistence', '--blobHost', '127.0.0.1', '--blobPort', '0', '--skipApiVersionCheck']
  const tls =
    certificate === undefined ? [] : ['--oauth', 'basic', '--cert', certificate.cert, '--key', certificate.key]
  const server = await startChild(
    process.execPath,
    [...args, '--disableTelemetry', '--silent', ...tls],
    /(127\.0\.0\.1:[1-9]\d*)\D/,
  )
  const endpoint = `${certificate === undefined ? 'http' : 'https'}://${server.found}/${AZURITE_ACCOUNT}`
  const service = new BlobServiceClient(endpoint, new StorageSharedKeyCredential(AZURITE_ACCOUNT, AZURITE_KEY))
  return {
    endpoint,
    makeContainer: async name => void (await service.getContainerClient(name).createIfNotExists()),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  }
}
