/**
 * A fake of the service that gives applications their tokens, over TLS and in this process. It speaks the protocol of AD
 * FS, the one whose authority a client does not look up on the internet first.
 */
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { unsignedToken } from './unsigned-token.ts'

export interface TokenService extends AsyncDisposable {
  /** Environment by which a process finds it, whoever the process is. */
  readonly env: { readonly AZURE_AUTHORITY_HOST: string; readonly AZURE_TENANT_ID: string }
  /** What was sent for each token. */
  readonly asked: readonly URLSearchParams[]
  readonly tokens: readonly string[]
}

export async function startTokenService(certificate: { cert: string; key: string }): Promise<TokenService> {
  const asked: URLSearchParams[] = []
  const tokens: string[] = []
  const files = { cert: readFileSync(certificate.cert), key: readFileSync(certificate.key) }
  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    let body = ''
    for await (const chunk of request) body += String(chunk)
    const origin = `https://127.0.0.1:${(server.address() as AddressInfo).port}/adfs`
    const answer = (value: unknown): void =>
      void response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(value))
    if (request.url?.includes('openid-configuration') === true) {
      const at = (name: string): string => `${origin}/oauth2/${name}`
      return answer({
        token_endpoint: at('token'),
        authorization_endpoint: at('authorize'),
        issuer: origin,
        jwks_uri: at('keys'),
      })
    }
    const sent = new URLSearchParams(body)
    asked.push(sent)
    const resource = (sent.get('scope') ?? '').replace(/\/\.default$/, '')
    const { token } = unsignedToken({ resource, client: sent.get('client_id') ?? undefined, lifetimeS: 3600 })
    tokens.push(token)
    answer({ access_token: token, token_type: 'Bearer', expires_in: 3600 })
  }
  const server = createServer(files, (request, response) => {
    serve(request, response).catch(() => response.destroy())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    env: {
      AZURE_AUTHORITY_HOST: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
      AZURE_TENANT_ID: 'adfs',
    },
    asked,
    tokens,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise(resolve => server.close(resolve))
    },
  }
}
