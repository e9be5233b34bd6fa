/** Tokens as the services of Azure take them, but for the signature, at which the emulator does not look. */
import { randomUUID } from 'node:crypto'

export interface UnsignedToken {
  readonly token: string
  /** Seconds since 1970. */
  readonly expires: number
}

export interface TokenRequest {
  /** What it is for, such as `https://storage.azure.com`. */
  readonly resource: string
  /** The application it is given to. */
  readonly client?: string | undefined
  readonly lifetimeS: number
}

export const MACHINE = '22222222-2222-2222-2222-222222222222'

export function unsignedToken({ resource, client = MACHINE, lifetimeS }: TokenRequest): UnsignedToken {
  const now = Math.floor(Date.now() / 1000)
  const expires = now + lifetimeS
  const claims = {
    aud: resource,
    iss: 'https://sts.windows.net/00000000-0000-0000-0000-000000000000/',
    iat: now - 60,
    nbf: now - 60,
    exp: expires,
    oid: '11111111-1111-1111-1111-111111111111',
    appid: client,
    jti: randomUUID(),
  }
  const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')
  const unsigned = Buffer.from('no signature').toString('base64url')
  return { token: `${part({ alg: 'RS256', typ: 'JWT' })}.${part(claims)}.${unsigned}`, expires }
}
