/** Where the lake is and how it is reached: `lake` and `lake_options` of tidemark.yml. */
import { resolve } from 'node:path'
import { CONFIG_CONFLICT, CONFIG_LAKE_PATH } from '../errors/config.ts'
import { Problem } from '../errors/problem.ts'
import type { Project, RemoteLake, RemoteLogin, SecretRef } from '../model/project.ts'
import { type LakeAddress, parseLakeAddress, printLakeAddress } from '../storage/lake-address.ts'
import { parseBytes } from './byte-size.ts'
import { findNode, keyPlaceOf, type MapNode, placeOf, textOf } from './node.ts'
import { isAddress, resolveLake } from './project-path.ts'
import type { LakeOptionsInput } from './project-schema.ts'
import { readSection } from './project-tree.ts'
import { parseSecretRef } from './secret.ts'
import { readSecretInput } from './source-config.ts'

export interface BuiltLake {
  /** Undefined when there are problems. */
  lake: Pick<Project, 'lake' | 'remote'> | undefined
  problems: readonly Problem[]
}

const CACHE_SIZE = '10GB'

/** Keys that say as whom Azure is reached; at most one of them can hold. */
const AZURE_LOGINS = {
  account_key: 'account key',
  sas: 'signature',
  connection_string: 'connection string',
} as const
const S3_LOGINS = ['access_key_id', 'secret_access_key', 'session_token'] as const
/** Keys that mean something for one kind of address alone. */
const OF_AZURE = ['account', 'client_id', ...Object.keys(AZURE_LOGINS)]
const OF_S3 = ['region', ...S3_LOGINS]

/** The lake as the model holds it, or every problem with it. */
export function buildLake(body: MapNode, root: string): BuiltLake {
  const node = findNode(body, ['lake'])
  const written = textOf(node) ?? './lake'
  const options = findNode(body, ['lake_options'])
  if (!isAddress(written)) {
    const folder = resolveLake(root, written, node?.place)
    const problems = [
      ...(folder instanceof Problem ? [folder] : []),
      ...(options === undefined ? [] : [misplaced(body, [], 'a lake in a folder')]),
    ]
    return { lake: folder instanceof Problem ? undefined : { lake: folder, remote: undefined }, problems }
  }
  const address = parseLakeAddress(written)
  if (typeof address === 'string')
    return { lake: undefined, problems: [CONFIG_LAKE_PATH({ path: written, reason: address }, { place: node?.place })] }
  const input = options === undefined ? {} : readSection(body, 'lake_options')?.lake_options
  // What is wrong with single keys was found with the file.
  if (input === undefined) return { lake: undefined, problems: [] }
  const problems = findConflicts(body, input, address)
  const login = readLogin(body, input, problems)
  if (problems.length > 0) return { lake: undefined, problems }
  return { lake: { lake: printLakeAddress(address), remote: remoteOf(input, login, root) }, problems }
}

function remoteOf(input: LakeOptionsInput, login: RemoteLogin, root: string): RemoteLake {
  return {
    account: input.account,
    endpoint: input.endpoint,
    region: input.region,
    clientId: input.client_id,
    login,
    local: localFolder(root, input.local),
    cacheBytes: parseBytes(input.cache_size ?? CACHE_SIZE) ?? 0,
    stagingBytes: input.staging_size === undefined ? undefined : parseBytes(input.staging_size),
  }
}

/** Absolute folder of this machine for what a project keeps beside its lake. */
export function localFolder(root: string, written = '.tidemark'): string {
  return resolve(root, written)
}

function findConflicts(body: MapNode, input: LakeOptionsInput, address: LakeAddress): Problem[] {
  const given = Object.keys(input)
  const foreign = given.filter(key => (address.kind === 's3' ? OF_AZURE : OF_S3).includes(key))
  const problems = foreign.map(key =>
    misplaced(body, [key], address.kind === 's3' ? 'a lake in S3' : 'a lake in Azure'),
  )
  const logins = given.filter(key => key in AZURE_LOGINS)
  if (logins.length > 1) {
    const reason = `\`lake_options\` gives both \`${logins[0]}\` and \`${logins[1]}\``
    problems.push(conflict(body, [logins[1] ?? ''], reason, 'Keep one of them, or none to use an identity.'))
  }
  if ((input.access_key_id === undefined) !== (input.secret_access_key === undefined)) {
    const reason = '`lake_options` gives half of an access key'
    problems.push(conflict(body, [], reason, 'Give access_key_id and secret_access_key, or neither to use a role.'))
  }
  return problems
}

function readLogin(body: MapNode, input: LakeOptionsInput, problems: Problem[]): RemoteLogin {
  const open = (key: keyof LakeOptionsInput, value: { secret: string }): SecretRef | undefined => {
    const ref = parseSecretRef(value.secret)
    if (!(ref instanceof Problem)) return ref
    problems.push(Object.assign(ref, { place: placeOf(body, ['lake_options', key, 'secret']) }))
    return undefined
  }
  for (const key of ['account_key', 'sas', 'connection_string'] as const) {
    const value = input[key]
    const secret = value === undefined ? undefined : open(key, value)
    if (secret !== undefined) return { kind: AZURE_LOGINS[key], secret }
  }
  const { access_key_id, secret_access_key, session_token } = input
  if (access_key_id === undefined || secret_access_key === undefined) return { kind: 'identity' }
  const id = readSecretInput(access_key_id, findNode(body, ['lake_options', 'access_key_id']))
  const secret = open('secret_access_key', secret_access_key)
  if (id instanceof Problem) problems.push(id)
  if (id instanceof Problem || secret === undefined) return { kind: 'identity' }
  const sessionToken = session_token === undefined ? undefined : open('session_token', session_token)
  return { kind: 'access key', id, secret, sessionToken }
}

function misplaced(body: MapNode, path: readonly string[], lake: string): Problem {
  const key = ['lake_options', ...path].join('.')
  const hint = 'Remove it, or write it in the target whose lake it belongs to.'
  return conflict(body, path, `\`${key}\` has no meaning for ${lake}`, hint)
}

function conflict(body: MapNode, path: readonly string[], reason: string, hint: string): Problem {
  return CONFIG_CONFLICT({ reason, hint }, { place: keyPlaceOf(body, ['lake_options', ...path]) })
}
