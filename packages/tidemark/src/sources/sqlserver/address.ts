/** Where a SQL Server is and how the login proves itself: by a password, or by a token that an identity is given. */
import { sql, type Sql, text } from '../../engine/sql.ts'
import { type AzureIdentity, type IdentityOptions, openIdentity } from '../../identity/azure-identity.ts'
import { loadDriver } from '../load-driver.ts'
import type { ServerConnection } from '../server-address.ts'

export interface SqlServerConnection extends ServerConnection {
  /** Ask for a readable secondary where the server has one. */
  readOnlyIntent?: boolean | undefined
  /** Gives an access token for the database; the password is not used then. */
  token?: (() => Promise<string>) | undefined
  /** As whom that is, in words and without secrets; undefined before the first token. */
  describeLogin?: (() => string | undefined) | undefined
}

/** What a token is asked for: any database of Azure SQL. */
const SCOPE = 'https://database.windows.net/.default'

/**
 * Tokens of the identity that this process runs under: environment, workload, managed identity, or the Azure CLI's login.
 *
 * @param clientId of a managed identity that was made by hand; empty for the only one
 * @throws {SOURCE_DRIVER_MISSING}
 */
export function loginByIdentity(
  source: string,
  { clock, clientId }: { clock: IdentityOptions['clock']; clientId: string },
): Required<Pick<SqlServerConnection, 'token' | 'describeLogin'>> {
  let identity: AzureIdentity | undefined
  return {
    token: async () => {
      const sdk = await loadDriver('@azure/identity', source, () => import('@azure/identity'))
      identity ??= openIdentity(sdk, { clock, clientId: clientId === '' ? undefined : clientId })
      return (await identity.getToken(SCOPE)).token
    },
    describeLogin: () => identity?.description,
  }
}

/** A text literal of all characters: without the N the server would squeeze it into the database's code page. */
export function unicode(value: string): Sql {
  return sql`N${text(value)}`
}
