/** The secrets of a project, opened for the one purpose of masking them in whatever leaves the process. */
import type { KeptRef, Project, TextOrSecret } from '../model/project.ts'
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

/** What of a project has to be fetched from a vault before the command that opens it can work. */
export function keptSecrets(project: Project, owners: readonly SecretOwner[]): KeptRef[] {
  return keptRefs([
    ...ofLake(project),
    ...(owners.includes('sources') ? ofSources(project) : []),
    ...(owners.includes('alerts') ? ofChannels(project) : []),
  ])
}

function textsOf(project: Project): TextOrSecret[] {
  return [...ofSources(project), ...ofChannels(project), ...ofLake(project)]
}

function ofSources({ sources }: Project): TextOrSecret[] {
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
