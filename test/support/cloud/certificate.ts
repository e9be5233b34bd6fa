/** A certificate for 127.0.0.1 made by openssl, which its own authority is. */
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'

/** Why no certificate can be made here; undefined when one can. */
export function findMissingOpenssl(): string | undefined {
  return spawnSync('openssl', ['version']).status === 0 ? undefined : 'there is no openssl on the PATH'
}

/** Make one in the folder; from then on this process trusts it beside all others. */
export function trustNewCertificate(folder: string): { cert: string; key: string } {
  const made = makeCertificate(folder)
  setDefaultCACertificates([...getCACertificates('default'), readFileSync(made.cert, 'utf8')])
  return made
}

/** Make one in the folder that nobody trusts; both are paths. */
export function makeCertificate(folder: string): { cert: string; key: string } {
  const [cert, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')]
  const request = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=127.0.0.1']
  const made = spawnSync('openssl', [
    ...request,
    '-addext',
    'subjectAltName=IP:127.0.0.1',
    '-keyout',
    key,
    '-out',
    cert,
  ])
  if (made.status !== 0) throw new Error(String(made.stderr))
  return { cert, key }
}
