/** The secrets of a project, opened for the one purpose of masking them in whatever leaves the process. */
import type { KeptRef, Project, TextOrSecret } from '../model/project.ts'
import { neededSources } from './needed-sources.ts'
import { hasUrlPassword } from './redact.ts'
import { keptRefs, openText, type Secret, type SecretContext } from './secret.ts'

/** All that can be opened now. One that is missing is reported where it is used, not here. */
export function knownSecrets(project: Project, { env, vault }: Pick<SecretContext, 'env' | 'vault'>): Secret[] {
  const context = { env, vault, root: project.root }
  return textsOf(project).flatMap(value => {
    try {
      return [openText(value, context)]
    } catch {
      return []
    }
  })
}

/** Whose secrets a command opens, beside those of the lake. */
export type SecretOwner = 'sources' | 'alerts'

/**
 * What of a project has to be fetched from a vault before the command that opens it can work.
 *
 * @param tables those that the command is about, where it was told; only of their sources anything is fetched
 */
export function keptSecrets(
  project: Project,
  owners: readonly SecretOwner[],
  tables: readonly string[] = [],
): KeptRef[] {
  const needed = neededSources(project, tables)
  const sources = project.sources.filter(({ name }) => needed?.has(name) ?? true)
  return keptRefs([
    ...ofLake(project),
    ...(owners.includes('sources') ? ofSources({ sources }) : []),
    ...(owners.includes('alerts') ? ofChannels(project) : []),
  ])
}

function textsOf(project: Project): TextOrSecret[] {
  return [...ofSources(project), ...ofChannels(project), ...ofLake(project)]
}

function ofSources({ sources }: Pick<Project, 'sources'>): TextOrSecret[] {
  return sources.flatMap(({ connection, salt }) => [
    ...ofConnection(connection),
    ...(salt === undefined ? [] : [{ secret: salt }]),
  ])
}

/** An address that is written out and has no password is none: it stands in the file for all to see. */
function ofConnection(connection: Project['sources'][number]['connection']): TextOrSecret[] {
  if (!('url' in connection)) return connection.password === undefined ? [] : [connection.password]
  const { url } = connection
  return typeof url === 'string' && !hasUrlPassword(url) ? [] : [url]
}

function ofChannels({ alerts }: Project): TextOrSecret[] {
  return alerts.channels
    .flatMap(channel => (channel.kind === 'webhook' ? [channel.url, channel.sign] : [channel.smtp]))
    .filter(value => value !== undefined)
}

/** The id of an access key is a name, not a secret. */
function ofLake({ remote }: Project): TextOrSecret[] {
  const login = remote?.login
  if (login === undefined || login.kind === 'identity') return []
  const { secret } = login
  const token = login.kind === 'access key' ? login.sessionToken : undefined
  return [{ secret }, ...(token === undefined ? [] : [{ secret: token }])]
}
