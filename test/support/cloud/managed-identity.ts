/**
 * A fake of the endpoint that gives a managed identity its tokens, in this process. It speaks the protocol of App Service
 * and signs nothing: the emulator reads a token's claims and does not check its signature.
 */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { unsignedToken } from './unsigned-token.ts'

export interface ManagedIdentity extends AsyncDisposable {
  /** Environment by which a process on the machine finds the endpoint. */
  readonly env: { readonly IDENTITY_ENDPOINT: string; readonly IDENTITY_HEADER: string }
  /** Tokens given so far, the oldest first. */
  readonly tokens: readonly string[]
  /** Client ids that were asked for; undefined for the machine's only identity. */
  readonly asked: readonly (string | undefined)[]
  /** Lifetime of the tokens given from now on. */
  lifetimeS: number
  /** Tokens that it still gives before it refuses. */
  left: number
  /** Forget what was asked and given. */
  forget(): void
}

export async function startManagedIdentity(): Promise<ManagedIdentity> {
  const tokens: string[] = []
  const asked: (string | undefined)[] = []
  const secret = 'header-of-the-fake'
  const server = createServer((request, response) => {
    if (request.headers['x-identity-header'] !== secret) return void response.writeHead(403).end()
    const query = new URL(request.url ?? '/', 'http://host').searchParams
    const [resource, client] = [query.get('resource') ?? '', query.get('client_id') ?? undefined]
    asked.push(client)
    if (identity.left === 0) return void response.writeHead(400, { 'content-type': 'application/json' }).end('{}')
    identity.left -= 1
    const { token, expires } = unsignedToken({ resource, client, lifetimeS: identity.lifetimeS })
    tokens.push(token)
    const body = { access_token: token, expires_on: String(expires), resource, token_type: 'Bearer' }
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const identity: ManagedIdentity = {
    env: {
      IDENTITY_ENDPOINT: `http://127.0.0.1:${(server.address() as AddressInfo).port}/msi/token`,
      IDENTITY_HEADER: secret,
    },
    tokens,
    asked,
    lifetimeS: 3600,
    left: Infinity,
    forget() {
      tokens.length = 0
      asked.length = 0
      identity.lifetimeS = 3600
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise(resolve => server.close(resolve))
    },
  }
  return identity
}
