/** How the line to a server is kept private, as a finding: what the settings ask for and what the server says of it. */
import { type Finding, ok, warning } from '../model/finding.ts'
import { isLoopback, type ServerConnection, tlsOptions } from './server-address.ts'

/** @param cipher what the server says the session is encrypted with; empty when it is not */
export function encryptionFinding(connection: ServerConnection, cipher: string): Finding {
  const asked = tlsOptions(connection)
  if (asked === false || cipher === '') {
    return isLoopback(connection.host)
      ? ok('encryption', 'not encrypted; the connection does not leave this machine')
      : warning('encryption', 'not encrypted: passwords and rows can be read on the way', 'tls: verify')
  }
  if (asked.rejectUnauthorized) return ok('encryption', `${cipher}, and the certificate of the server is checked`)
  return warning(
    'encryption',
    `${cipher}, but nobody checks who answers`,
    "tls: verify, with the authority's file as ca:",
  )
}
