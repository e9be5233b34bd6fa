/**
 * Problems with what the project refers to: variables, targets, secrets and addresses of databases. None of their texts ever
 * holds a secret's value or a connection URL.
 */
import { type ProblemKind, problem } from './problem.ts'
import { list, meant } from './suggestion.ts'

export const VARIABLE_UNDEFINED: ProblemKind<{ name: string; suggestion: string | undefined; declared: boolean }> =
  problem<{ name: string; suggestion: string | undefined; declared: boolean }>({
    code: 'VARIABLE_UNDEFINED',
    title: 'A variable has no value.',
    message: p =>
      p.declared
        ? `Variable ${p.name} is declared without a default and was given no value.`
        : `Variable ${p.name} is not declared.`,
    hint: p =>
      p.declared
        ? `Give it with --var ${p.name}=…, in TIDEMARK_VAR_${p.name}, under the target's \`variables\`, or as \`default\`.`
        : meant(p.suggestion, `Declare it under \`variables\`: \`${p.name}: { default: … }\`.`),
    retry: 'after-change',
    exit: 2,
    example: { name: 'days', suggestion: undefined, declared: true },
  })

export const CONFIG_REFERENCE: ProblemKind<{ written: string; right: string }> = problem<{
  written: string
  right: string
}>({
  code: 'CONFIG_REFERENCE',
  title: 'A reference is written in a form that is not read.',
  message: p => `${p.written} is not replaced by anything here.`,
  hint: p => p.right,
  retry: 'after-change',
  exit: 2,
  example: { written: '${env.DB_URL}', right: 'Write the whole value as `{ secret: env:DB_URL }`.' },
})

export const TARGET_UNKNOWN: ProblemKind<{ name: string; suggestion: string | undefined; known: readonly string[] }> =
  problem<{ name: string; suggestion: string | undefined; known: readonly string[] }>({
    code: 'TARGET_UNKNOWN',
    title: 'There is no such target.',
    message: p => `tidemark.yml has no target ${p.name}.`,
    hint: p => meant(p.suggestion, `Targets of this project: ${list(p.known)}.`),
    retry: 'after-change',
    exit: 2,
    example: { name: 'prd', suggestion: 'prod', known: ['dev', 'prod'] },
  })

export const TARGET_DEFAULT: ProblemKind<{ names: readonly string[]; reason: 'none' | 'several' }> = problem<{
  names: readonly string[]
  reason: 'none' | 'several'
}>({
  code: 'TARGET_DEFAULT',
  title: 'It is not clear which target is meant.',
  message: p =>
    p.reason === 'none'
      ? `None of the targets ${list(p.names)} is the default.`
      : `More than one target is the default: ${list(p.names)}.`,
  hint: () => 'Write `default: true` in exactly one target, or choose one with --target.',
  retry: 'after-change',
  exit: 2,
  example: { names: ['dev', 'prod'], reason: 'none' },
})

export const SECRET_FORM: ProblemKind<{ hint: string }> = problem<{ hint: string }>({
  code: 'SECRET_FORM',
  title: 'A secret is not written as a reference.',
  message: () => 'A secret is a reference to where the value is kept.',
  hint: p => p.hint,
  retry: 'after-change',
  exit: 2,
  example: {
    hint: 'Write `{ secret: env:NAME }`, `{ secret: file:path }`, `{ secret: azure-kv:vault/name }` or `{ secret: aws-sm:name }`.',
  },
})

export const SECRET_MISSING: ProblemKind<{ reference: string; reason: string }> = problem<{
  reference: string
  reason: string
}>({
  code: 'SECRET_MISSING',
  title: 'A secret has no value here.',
  message: p => `Secret ${p.reference} ${p.reason}.`,
  hint: p =>
    p.reference.startsWith('env:')
      ? `Set ${p.reference.slice(4)} in the environment, or in .env beside tidemark.yml.`
      : p.reference.startsWith('azure-kv:')
        ? 'Check the names of vault and secret, or put it there: az keyvault secret set.'
        : p.reference.startsWith('aws-sm:')
          ? 'Check the name and the region, or put it there: aws secretsmanager put-secret-value.'
          : 'Put the value into that file, readable by you alone. Relative paths start at tidemark.yml.',
  retry: 'after-change',
  exit: 3,
  example: { reference: 'env:APP_DATABASE_URL', reason: 'is not set' },
})

export const SECRET_LITERAL: ProblemKind<{ key: string }> = problem<{ key: string }>({
  code: 'SECRET_LITERAL',
  title: 'A password stands in the project files.',
  message: p => `\`${p.key}\` holds a secret as plain text.`,
  hint: () =>
    'Move it to the environment or to .env and write `{ secret: env:NAME }`; then change it, it may be known already.',
  retry: 'after-change',
  exit: 2,
  example: { key: 'sources.app.url' },
})

export const CONNECTION_URL: ProblemKind<{ reason: string }> = problem<{ reason: string }>({
  code: 'CONNECTION_URL',
  title: 'A connection URL cannot be used.',
  message: p => `The connection URL ${p.reason}. It is not shown, because it may hold a password.`,
  hint: () =>
    'Write postgres://user:password@host:5432/database, mysql:// or sqlserver:// in the same form, or sqlite:path/to.db; percent-encode : / ? # @ % in user and password.',
  retry: 'after-change',
  exit: 2,
  example: { reason: 'names no database' },
})
