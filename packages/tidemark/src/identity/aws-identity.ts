/** Who this process is for AWS: the chain of its client finds credentials; what is told of them is no secret. */

/** What a client's configuration gives when it is asked for credentials. */
interface FoundCredentials {
  readonly accessKeyId: string
  readonly accountId?: string | undefined
}

/** Never rejects: that there are no credentials is an answer, too. */
export async function describeAwsIdentity(find: () => Promise<FoundCredentials>): Promise<string> {
  const found = await find().catch(() => undefined)
  if (found === undefined) return 'none: the chain of the AWS client finds no credentials'
  const ways = Object.keys('$source' in found ? (Object(found.$source) as object) : {})
  const way = Object.entries(CHAIN).find(([name]) => ways.includes(name))?.[1] ?? 'the chain of the AWS client'
  const account = found.accountId === undefined ? '' : `, account ${found.accountId}`
  // The id of an access key is a name; what opens the store is the secret that belongs to it.
  return `${way} (access key ${found.accessKeyId}${account})`
}

/** How the client names the ways by which it found credentials, the most telling first. */
const CHAIN: Readonly<Record<string, string>> = {
  CREDENTIALS_STS_ASSUME_ROLE_WEB_ID: 'web identity',
  CREDENTIALS_ENV_VARS_STS_WEB_ID_TOKEN: 'web identity',
  CREDENTIALS_HTTP: 'the role of the container',
  CREDENTIALS_IMDS: 'the role of the machine',
  CREDENTIALS_SSO: 'the login of AWS SSO',
  CREDENTIALS_PROFILE: 'the AWS profile',
  CREDENTIALS_ENV_VARS: 'the environment',
}
