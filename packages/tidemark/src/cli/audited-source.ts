/** Where the table of an audit is: at an address, behind a variable that holds one, or in a source of the project. */
import type { LoadedProject } from '../config/load-project.ts'
import { makeRedactor } from '../config/redact.ts'
import { keptRefs, openSecret, parseSecretRef, type Secret, secretOf } from '../config/secret.ts'
import { usualSchema } from '../config/url-type.ts'
import { Vaults } from '../config/vaults.ts'
import { AUDIT_SOURCE } from '../errors/audit.ts'
import { Problem } from '../errors/problem.ts'
import { bindEntries } from '../ingest/resolve.ts'
import type { AuditedTable } from '../run/audit/audit-table.ts'
import type { ProjectRoot } from './open-project.ts'
import type { CliPorts } from './ports.ts'
import { createSourceOpener, openSourceUrl } from './source-opener.ts'

/** A reference to where the address is kept. */
const REFERENCE = /^(env|file|azure-kv|aws-sm):/i

/** True for a source that is no name of a project: an address, or a reference to one. */
export function isOutsideProject(source: string | undefined): source is string {
  return source !== undefined && (REFERENCE.test(source) || /^sqlite:|:\/\//i.test(source))
}

/**
 * A table at an address. A reference such as `env:NAME` keeps the address, and the password in it, out of the command line.
 *
 * @throws {SECRET_MISSING} and its kin, {CONNECTION_URL}, {AUDIT_SOURCE}
 */
export async function tableAtAddress(
  ports: Pick<CliPorts, 'clock' | 'ids' | 'env' | 'cwd' | 'signal'>,
  { source, table, timezone }: { source: string; table: string; timezone: string },
  at: ProjectRoot,
): Promise<AuditedTable> {
  const secret = REFERENCE.test(source) ? await fetchSecret(ports, source) : secretOf(source)
  const [before, redact] = [at.redact, makeRedactor([secret])]
  at.redact = text => redact(before?.(text) ?? text)
  const url = secret.reveal()
  const [schema, name] = splitName(table)
  return {
    source: await openSourceUrl(ports, { name: 'source', url, timezone }),
    ref: { schema: schema ?? usualSchema(url), table: name },
    entry: undefined,
  }
}

async function fetchSecret(
  { env, cwd, signal, ...ports }: Pick<CliPorts, 'clock' | 'ids' | 'env' | 'cwd' | 'signal'>,
  reference: string,
): Promise<Secret> {
  const ref = parseSecretRef(reference)
  if (ref instanceof Problem) throw ref
  const vault = new Vaults(ports, signal)
  await vault.fetch(keptRefs([{ secret: ref }]))
  return openSecret(ref, { env, root: cwd, vault })
}

/**
 * A table of the project: by its name in the list, in bronze, or as `schema.table` of the one source that is meant.
 *
 * @throws {AUDIT_SOURCE} no source, or more than one, may be meant
 */
export async function tableOfProject(
  ports: Pick<CliPorts, 'clock'>,
  loaded: LoadedProject,
  wanted: { source: string | undefined; table: string },
): Promise<AuditedTable> {
  const { project } = loaded
  const { table } = wanted
  const configs = project.sources.filter(({ name }) => wanted.source === undefined || name === wanted.source)
  if (configs.length === 0) throw AUDIT_SOURCE({ table, reason: `the project has no source ${wanted.source ?? ''}` })
  const folded = table.replace(/^bronze\./i, '').toLowerCase()
  for (const config of configs) {
    const exact = project.tables.filter(entry => entry.source === config.name && !entry.table.includes('*'))
    for (const { entry, ref, name } of bindEntries(config, exact, []).bound) {
      const names = [`${ref.schema}.${ref.table}`, name.slice('bronze.'.length)].map(one => one.toLowerCase())
      if (names.includes(folded)) return { source: await createSourceOpener(ports, loaded).open(config), ref, entry }
    }
  }
  const [schema, name] = splitName(table)
  const [config] = configs
  if (schema === undefined) throw AUDIT_SOURCE({ table, reason: 'the table list has no such table' })
  if (config === undefined || configs.length > 1) {
    const names = configs.map(one => one.name).join(', ')
    throw AUDIT_SOURCE({ table, reason: `it is not in the table list, and may be in any of ${names}` })
  }
  return {
    source: await createSourceOpener(ports, loaded).open(config),
    ref: { schema, table: name },
    entry: undefined,
  }
}

function splitName(table: string): [schema: string | undefined, table: string] {
  const dot = table.indexOf('.')
  return dot < 1 ? [undefined, table] : [table.slice(0, dot), table.slice(dot + 1)]
}
