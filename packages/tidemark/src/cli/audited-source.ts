/** Where the table of an audit is: at an address, behind a variable that holds one, or in a source of the project. */
import type { LoadedProject } from '../config/load-project.ts'
import { openSecret, parseSecretRef } from '../config/secret.ts'
import { usualSchema } from '../config/url-type.ts'
import { AUDIT_SOURCE } from '../errors/audit.ts'
import { Problem } from '../errors/problem.ts'
import { bindEntries } from '../ingest/resolve.ts'
import type { AuditedTable } from '../run/audit/audit-table.ts'
import type { CliPorts } from './ports.ts'
import { createSourceOpener, openSourceUrl } from './source-opener.ts'

/** True for a source that is no name of a project: an address, or a reference to one. */
export function isOutsideProject(source: string | undefined): source is string {
  return source !== undefined && /^(env|file|sqlite):|:\/\//i.test(source)
}

/**
 * A table at an address. `env:NAME` and `file:path` keep the address, and the password in it, out of the command line.
 *
 * @throws {SECRET_MISSING} {CONNECTION_URL} {AUDIT_SOURCE}
 */
export async function tableAtAddress(
  ports: Pick<CliPorts, 'clock' | 'env' | 'cwd'>,
  { source, table, timezone }: { source: string; table: string; timezone: string },
): Promise<AuditedTable> {
  const isReference = /^(env|file):/i.test(source)
  const ref = isReference ? parseSecretRef(source) : undefined
  if (ref instanceof Problem) throw ref
  const url = ref === undefined ? source : openSecret(ref, { env: ports.env, root: ports.cwd }).reveal()
  const [schema, name] = splitName(table)
  return {
    source: await openSourceUrl(ports, { name: 'source', url, timezone }),
    ref: { schema: schema ?? usualSchema(url), table: name },
    entry: undefined,
  }
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
