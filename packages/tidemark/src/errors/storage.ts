/**
 * Problems with a lake in Azure or S3: the client package, the login, the container, rights, and a store that does not
 * answer. No message carries a key, a token or a signed address.
 */
import { type ProblemKind, problem } from './problem.ts'

export interface StorageParams {
  /** The lake's address. */
  lake: string
  reason: string
}

const azure = { lake: 'az://lake/music' }

export const STORAGE_PACKAGE_MISSING: ProblemKind<{ lake: string; packages: string }> = problem({
  code: 'STORAGE_PACKAGE_MISSING',
  title: 'The client of the store is not installed.',
  message: (p: { lake: string; packages: string }) => `${p.lake} is reached through ${p.packages}.`,
  hint: (p: { lake: string; packages: string }) => `npm install ${p.packages}`,
  retry: 'after-change',
  exit: 3,
  example: { lake: 's3://lake/music', packages: '@aws-sdk/client-s3' },
})

export const STORAGE_UNREACHABLE: ProblemKind<StorageParams> = problem({
  code: 'STORAGE_UNREACHABLE',
  title: 'The store of the lake does not answer.',
  message: (p: StorageParams) => `${p.lake}: ${p.reason}.`,
  hint: () =>
    'Check the address, the network and the firewall of the account; then run again. What is committed stays.',
  retry: 'later',
  exit: 3,
  example: { ...azure, reason: 'ENOTFOUND while writing system/lease.json' },
})

export const STORAGE_BUSY: ProblemKind<StorageParams> = problem({
  code: 'STORAGE_BUSY',
  title: 'The store of the lake refuses work for now.',
  message: (p: StorageParams) => `${p.lake}: ${p.reason}.`,
  hint: () =>
    'It was asked again with pauses and still had no time. Run again later, or with fewer steps side by side.',
  retry: 'later',
  exit: 3,
  example: { ...azure, reason: 'ServerBusy, HTTP 503 while reading bronze/DimUser/_delta_log/_last_checkpoint' },
})

export const STORAGE_LOGIN_FAILED: ProblemKind<StorageParams> = problem({
  code: 'STORAGE_LOGIN_FAILED',
  title: 'No identity for the store of the lake.',
  message: (p: StorageParams) => `${p.lake}: ${p.reason}.`,
  hint: () =>
    'Give the machine an identity (Azure: managed or workload identity, `az login`; AWS: a role, `aws sso login`), or name a key as a secret under `lake_options:`.',
  retry: 'after-change',
  exit: 3,
  example: { ...azure, reason: 'no credential could be had (CredentialUnavailableError)' },
})

export interface ClockParams extends StorageParams {
  minutes: number
  side: 'ahead of' | 'behind'
}

export const STORAGE_CLOCK_WRONG: ProblemKind<ClockParams> = problem<ClockParams>({
  code: 'STORAGE_CLOCK_WRONG',
  title: 'The clock of this machine differs from that of the store.',
  message: p =>
    `${p.lake}: the clock here is ${p.minutes} minutes ${p.side} the store’s, which does not accept the login: ${p.reason}.`,
  hint: () =>
    'Set the clock of this machine, by NTP or that of its host; stores refuse what is signed a quarter of an hour off.',
  retry: 'after-change',
  exit: 3,
  example: { ...azure, reason: 'AuthenticationFailed, HTTP 403', minutes: 20, side: 'behind' },
})

export const STORAGE_REFUSED: ProblemKind<StorageParams> = problem({
  code: 'STORAGE_REFUSED',
  title: 'The store of the lake refuses the request.',
  message: (p: StorageParams) => `${p.lake}: ${p.reason}.`,
  hint: () =>
    'Azure needs the role Storage Blob Data Contributor on the container; S3 needs s3:ListBucket on the bucket and s3:GetObject, s3:PutObject, s3:DeleteObject and s3:AbortMultipartUpload below the prefix. A clock that is wrong by minutes is refused, too.',
  retry: 'after-change',
  exit: 3,
  example: { ...azure, reason: 'AuthorizationPermissionMismatch, HTTP 403 while writing system/lease.json' },
})

export const STORAGE_CONTAINER_MISSING: ProblemKind<{ lake: string; code: string }> = problem({
  code: 'STORAGE_CONTAINER_MISSING',
  title: 'The container or bucket of the lake does not exist.',
  message: (p: { lake: string; code: string }) => `${p.lake}: ${p.code}.`,
  hint: () => 'Create it, or correct `lake:`. It is not made by a run, since a typing mistake would make one.',
  retry: 'after-change',
  exit: 3,
  example: { ...azure, code: 'ContainerNotFound' },
})

export const STAGING_FULL: ProblemKind<{ folder: string; neededBytes: string; limitBytes: string }> = problem({
  code: 'STAGING_FULL',
  title: 'What is to be read does not fit beside the project.',
  message: (p: { folder: string; neededBytes: string; limitBytes: string }) =>
    `${p.folder} would hold ${p.neededBytes} bytes of the lake at once, and may hold ${p.limitBytes}.`,
  hint: () =>
    'Raise `lake_options.staging_size`, put the folder on a larger disk with `lake_options.local`, or read less at once: conditions on columns with statistics leave files out, and `parallel: 1` reads one table after the other.',
  retry: 'after-change',
  exit: 3,
  example: { folder: '.tidemark/5f1c0a9d3e7b2468/_tmp', neededBytes: '73400320', limitBytes: '50000000' },
})

export const STORAGE_OPTION: ProblemKind<{ lake: string; reason: string }> = problem({
  code: 'STORAGE_OPTION',
  title: 'The options of the lake do not fit its address.',
  message: (p: { lake: string; reason: string }) => `${p.lake}: ${p.reason}.`,
  hint: () => 'Correct `lake:` or the keys of `lake_options:`.',
  retry: 'after-change',
  exit: 2,
  example: { ...azure, reason: 'which account? `lake_options.account` names it' },
})
