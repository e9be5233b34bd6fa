/** Signatures of webhooks by the Standard Webhooks specification, symmetric form. Pure. */
import { createHmac } from 'node:crypto'

/** The key in a `whsec_…` secret (the prefix may be missing), or undefined unless it is 24 to 64 bytes in base64. */
export function parseSigningSecret(secret: string): Uint8Array | undefined {
  const encoded = secret.trim().replace(/^whsec_/, '')
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(encoded)) return undefined
  const key = Buffer.from(encoded, 'base64')
  return key.length >= 24 && key.length <= 64 ? key : undefined
}

/** Value of `webhook-signature`: `v1,` and the base64 HMAC-SHA256 of id, timestamp and body. */
export function signWebhook(key: Uint8Array, message: { id: string; timestamp: number; body: string }): string {
  const signed = `${message.id}.${message.timestamp}.${message.body}`
  return `v1,${createHmac('sha256', key).update(signed).digest('base64')}`
}
