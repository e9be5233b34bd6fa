/** Problems with secrets that a vault keeps. No text holds a value, a token or what the vault said beside its code. */
import { type ProblemKind, problem } from './problem.ts'

export interface VaultParams {
  reference: string
  reason: string
}

const reference = 'azure-kv:music/app-url'

function isAws(of: string): boolean {
  return of.startsWith('aws-sm:')
}

export const SECRET_PACKAGE_MISSING: ProblemKind<{ reference: string; packages: string }> = problem({
  code: 'SECRET_PACKAGE_MISSING',
  title: 'The package that asks the vault is not installed.',
  message: (p: { reference: string; packages: string }) => `Secret ${p.reference} is reached through ${p.packages}.`,
  hint: (p: { reference: string; packages: string }) => `npm install ${p.packages}`,
  retry: 'after-change',
  exit: 3,
  example: { reference, packages: '@azure/identity' },
})

export const SECRET_LOGIN_FAILED: ProblemKind<VaultParams> = problem({
  code: 'SECRET_LOGIN_FAILED',
  title: 'No identity for the vault.',
  message: (p: VaultParams) => `Secret ${p.reference}: ${p.reason}.`,
  hint: ({ reference }) =>
    isAws(reference)
      ? 'Give the machine a role, or log in: `aws sso login`.'
      : 'Give the machine an identity (managed or workload identity, a service principal), or log in: `az login`.',
  retry: 'after-change',
  exit: 3,
  example: { reference, reason: 'none of managed identity, the login of the Azure CLI is available' },
})

export const SECRET_REFUSED: ProblemKind<{ reference: string; who: string; code: string }> = problem({
  code: 'SECRET_REFUSED',
  title: 'The vault does not give the secret to this identity.',
  message: (p: { reference: string; who: string; code: string }) =>
    `Secret ${p.reference} is refused to ${p.who}: ${p.code}.`,
  hint: ({ reference }) =>
    isAws(reference)
      ? 'Give the role secretsmanager:GetSecretValue on the secret, and kms:Decrypt where it is encrypted by a key of its own.'
      : 'Give the identity the role Key Vault Secrets User on the vault (or Get of secrets in its access policy); see that the secret is enabled and the vault’s firewall lets this machine in.',
  retry: 'after-change',
  exit: 3,
  example: { reference, who: 'managed identity (application 1b2c)', code: 'ForbiddenByRbac' },
})

export const SECRET_VAULT_UNREACHABLE: ProblemKind<VaultParams> = problem({
  code: 'SECRET_VAULT_UNREACHABLE',
  title: 'The vault does not answer.',
  message: (p: VaultParams) => `Secret ${p.reference}: ${p.reason}.`,
  hint: ({ reference }) =>
    isAws(reference)
      ? 'Check the region and the network. A secret of another region is named by its ARN: aws-sm:arn:aws:secretsmanager:….'
      : 'Check the name of the vault, the network and its private endpoint. In another cloud write the whole address: azure-kv:https://<vault>.vault.azure.cn/secrets/<name>.',
  retry: 'later',
  exit: 3,
  example: { reference, reason: 'ENOTFOUND' },
})
