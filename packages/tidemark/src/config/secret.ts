/**
 * Secrets: references in the project, values only at the edge that needs them. A Secret prints as `***` wherever it
 * ends up by accident; `reveal` is the one way to its value.
 */
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { inspect } from 'node:util'
import { SECRET_FORM, SECRET_MISSING } from '../errors/reference.ts'
import type { Problem } from '../errors/problem.ts'
import type { AwsSecretRef, AzureSecretRef, KeptRef, SecretRef, TextOrSecret } from '../model/project.ts'

export interface Secret {
  /** The value itself. Hand it to the driver or client that needs it, to nothing else. */
  reveal(): string
  toString(): string
  toJSON(): string
}

/** Secrets kept elsewhere: what is wanted is fetched first, and opened then. */
export interface SecretVault {
  /** Fetch each once. Never rejects: what could not be had is told to whoever opens it. */
  fetch(refs: readonly KeptRef[]): Promise<void>
  /** One that was fetched. Throws the Problem with it. */
  open(ref: KeptRef): Secret
  /** As whom the vault of a secret is asked, in words and without secrets. */
  describeLogin(ref: KeptRef): Promise<string>
}

/** Where references are looked up: variables of the process and of .env, the folder that file paths start from, a vault. */
export interface SecretContext {
  env: Readonly<Record<string, string | undefined>>
  root: string
  vault?: SecretVault | undefined
}

const MASK = '***'

/** Wrap a value that must not be printed. */
export function secretOf(value: string): Secret {
  const secret = { reveal: () => value, toString: () => MASK, toJSON: () => MASK, [inspect.custom]: () => MASK }
  return Object.freeze(secret)
}

/**
 * The value behind a reference. A file loses the newline at its end. An unset or empty one is missing.
 * @throws {SECRET_MISSING}
 */
export function openSecret(ref: SecretRef, context: SecretContext): Secret {
  if (ref.kind === 'env') {
    const value = context.env[ref.name]
    if (value === undefined) throw SECRET_MISSING({ reference: printSecretRef(ref), reason: 'is not set' })
    if (value.trim() === '') throw SECRET_MISSING({ reference: printSecretRef(ref), reason: 'is empty' })
    return secretOf(value)
  }
  if (isKept(ref)) {
    if (context.vault !== undefined) return context.vault.open(ref)
    throw SECRET_MISSING({ reference: printSecretRef(ref), reason: 'cannot be asked for here' })
  }
  let text: string
  try {
    text = readFileSync(resolve(context.root, ref.path), 'utf8')
  } catch (cause) {
    const missing = (cause as NodeJS.ErrnoException).code === 'ENOENT'
    const reason = missing ? 'does not exist' : 'cannot be read'
    throw SECRET_MISSING({ reference: printSecretRef(ref), reason }, { cause })
  }
  const value = text.replace(/\r?\n$/, '')
  if (value.trim() === '') throw SECRET_MISSING({ reference: printSecretRef(ref), reason: 'is empty' })
  return secretOf(value)
}

/** Like `openSecret` for a key that may also hold plain text; the plain text is treated as secret too. */
export function openText(value: TextOrSecret, context: SecretContext): Secret {
  return typeof value === 'string' ? secretOf(value) : openSecret(value.secret, context)
}

/** True for a secret that has to be fetched before it can be opened. */
function isKept(ref: SecretRef): ref is KeptRef {
  return ref.kind === 'azure-kv' || ref.kind === 'aws-sm'
}

/** What of some texts has to be fetched from a vault before they can be opened. */
export function keptRefs(texts: readonly TextOrSecret[]): KeptRef[] {
  return texts.flatMap(text => (typeof text !== 'string' && isKept(text.secret) ? [text.secret] : []))
}

/** `env:NAME`, `file:path`, `azure-kv:vault/name` or `aws-sm:name#key`; the inverse of `parseSecretRef`. */
export function printSecretRef(ref: SecretRef): string {
  if (ref.kind === 'aws-sm') return `aws-sm:${ref.name}${ref.key === undefined ? '' : `#${ref.key}`}`
  if (ref.kind === 'azure-kv') {
    const { vault, name, version } = ref
    const host = PUBLIC_VAULT.exec(vault)?.[1]
    return `azure-kv:${host ?? `${vault}/secrets`}/${name}${version === undefined ? '' : `/${version}`}`
  }
  return ref.kind === 'env' ? `env:${ref.name}` : `file:${ref.path}`
}

/** Read a reference, or the problem with it. The text is not repeated: it may be the secret itself. */
export function parseSecretRef(text: string): SecretRef | Problem {
  const separator = text.indexOf(':')
  const scheme = separator < 0 ? '' : text.slice(0, separator).trim()
  const rest = text.slice(separator + 1).trim()
  if (scheme === 'env' && /^[A-Za-z_][A-Za-z0-9_]*$/.test(rest)) return { kind: 'env', name: rest }
  if (scheme === 'file' && rest !== '') return { kind: 'file', path: rest }
  if (scheme === 'azure-kv') return parseAzureRef(rest)
  if (scheme === 'aws-sm') return parseAwsRef(rest)
  if (scheme === 'env')
    return SECRET_FORM({ hint: 'After `env:` comes the name of a variable: letters, digits and _.' })
  const looksLikeName = /^[A-Z][A-Z0-9]*(_[A-Z0-9]+)+$/.test(text.trim())
  return SECRET_FORM({
    hint: looksLikeName
      ? `Write \`{ secret: env:${text.trim()} }\`.`
      : 'Write `{ secret: env:NAME }`, `{ secret: file:path }`, `{ secret: azure-kv:vault/name }` or `{ secret: aws-sm:name }`.',
  })
}

const PUBLIC_VAULT = /^https:\/\/([a-z][a-z0-9-]{1,22}[a-z0-9])\.vault\.azure\.net$/
const VAULT_PATH =
  /^(?:([a-z][a-z0-9-]{1,22}[a-z0-9])|(https:\/\/[a-z0-9.-]+(?::\d+)?)\/secrets)\/([a-z0-9-]{1,127})(?:\/([a-z0-9]+))?$/i

/** `vault/name` in the public cloud, or a secret's whole address as the portal shows it; each with or without a version. */
function parseAzureRef(text: string): AzureSecretRef | Problem {
  const [, vault, address, name, version] = VAULT_PATH.exec(text) ?? []
  if (name === undefined)
    return SECRET_FORM({ hint: 'Write `azure-kv:vault/name`, or `azure-kv:https://…/secrets/name` in another cloud.' })
  const at = (address ?? `https://${vault}.vault.azure.net`).toLowerCase()
  return { kind: 'azure-kv', vault: at, name, ...(version === undefined ? {} : { version }) }
}

const AWS_SECRET =
  /^(arn:[a-z-]+:secretsmanager:[a-z0-9-]+:\d+:secret:[\w/+=.@-]{1,520}|[\w/+=.@-]{1,512})(?:#([^\s#]{1,200}))?$/

/** A name or an ARN, and after `#` the key of a text in the JSON that the secret holds. */
function parseAwsRef(text: string): AwsSecretRef | Problem {
  const [, name, key] = AWS_SECRET.exec(text) ?? []
  if (name === undefined)
    return SECRET_FORM({ hint: 'Write `aws-sm:name`, or `aws-sm:name#key` for one text of the JSON in it.' })
  return { kind: 'aws-sm', name, ...(key === undefined ? {} : { key }) }
}
