/**
 * A fake of Azure Key Vault over TLS, in this process: whoever comes without a token is told which one it takes, and gets a
 * secret for one of those it gave out.
 */
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'

export interface FakeKeyVault extends AsyncDisposable {
  /** Its address, as a reference holds it. */
  readonly address: string
  /** Secrets by name, and by name and version. */
  readonly secrets: Map<string, string>
  /** Names that nobody may read, each with the code that is answered. */
  readonly refused: Map<string, string>
  /** Answered first, one each, to whoever comes with a token; `new token` takes that token for none. */
  readonly troubles: ({ status: number; headers: Record<string, string> } | 'new token')[]
  /** What it says it takes tokens for; itself at first. */
  resource: string
  /** Path and token of each request. */
  readonly seen: readonly { readonly path: string; readonly token: string | undefined }[]
}

/** @param isGiven tells a token that an identity was given */
export async function startKeyVault(
  certificate: { cert: string; key: string },
  isGiven: (token: string) => boolean,
): Promise<FakeKeyVault> {
  const seen: { path: string; token: string | undefined }[] = []
  const files = { cert: readFileSync(certificate.cert), key: readFileSync(certificate.key) }
  const server = createServer(files, (request, response) => {
    const path = (request.url ?? '').replace(/\?api-version=7\.4$/, '')
    const token = request.headers.authorization?.replace(/^Bearer /, '')
    seen.push({ path, token })
    const answer = (status: number, body: unknown, headers: Record<string, string> = {}): void =>
      void response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body))
    if (token === undefined || !isGiven(token)) {
      const challenge = `Bearer authorization="https://login.invalid/tenant", resource="${vault.resource}"`
      return answer(401, { error: { code: 'Unauthorized', message: 'm' } }, { 'www-authenticate': challenge })
    }
    const trouble = vault.troubles.shift()
    if (trouble === 'new token') return answer(401, { error: { code: 'Unauthorized', message: 'expired' } })
    if (trouble !== undefined) return answer(trouble.status, { error: { code: 'Throttled' } }, trouble.headers)
    const name = path.replace('/secrets/', '')
    const code = vault.refused.get(name)
    if (code !== undefined)
      return answer(403, { error: { code: 'Forbidden', message: 'secret words', innererror: { code } } })
    const value = vault.secrets.get(name)
    if (value === undefined) return answer(404, { error: { code: 'SecretNotFound', message: 'm' } })
    answer(200, { value, id: `${vault.address}/secrets/${name}` })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = `https://127.0.0.1:${(server.address() as AddressInfo).port}`
  const vault: FakeKeyVault = {
    address,
    secrets: new Map(),
    refused: new Map(),
    troubles: [],
    resource: address,
    seen,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise(resolve => server.close(resolve))
    },
  }
  return vault
}
