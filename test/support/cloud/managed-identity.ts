/**
 * A fake of the endpoint that gives a managed identity its tokens, in this process. It speaks the protocol of App Service
 * and signs nothing: the emulator reads a token's claims and does not check its signature.
 */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface ManagedIdentity extends AsyncDisposable {
  /** Environment by which a process on the machine finds the endpoint. */
  readonly env: { readonly IDENTITY_ENDPOINT: string; readonly IDENTITY_HEADER: string }
  /** Tokens given so far, the oldest first. */
  readonly tokens: readonly string[]
  /** Lifetime of the tokens given from now on. */
  lifetimeS: number
}

export async function startManagedIdentity(): Promise<ManagedIdentity> {
  const tokens: string[] = []
  const secret = 'header-of-the-fake'
  const server = createServer((request, response) => {
    if (request.headers['x-identity-header'] !== secret) return void response.writeHead(403).end()
    const now = Math.floor(Date.now() / 1000)
    const expires = now + identity.lifetimeS
    const resource = new URL(request.url ?? '/', 'http://host').searchParams.get('resource') ?? ''
    const token = unsigned({
      aud: resource,
      iss: 'https://sts.windows.net/00000000-0000-0000-0000-000000000000/',
      iat: now - 60,
      nbf: now - 60,
      exp: expires,
      oid: '11111111-1111-1111-1111-111111111111',
      appid: '22222222-2222-2222-2222-222222222222',
      jti: String(tokens.length),
    })
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
    lifetimeS: 3600,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise(resolve => server.close(resolve))
    },
  }
  return identity
}

function unsigned(claims: Readonly<Record<string, unknown>>): string {
  const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')
  return `${part({ alg: 'RS256', typ: 'JWT' })}.${part(claims)}.${Buffer.from('no signature').toString('base64url')}`
}
