/** Addresses of lakes in Azure and S3, read and printed. Pure. */

export type LakeAddress =
  | { readonly kind: 'azure'; readonly container: string; readonly path: string; readonly account: string | undefined }
  | { readonly kind: 's3'; readonly bucket: string; readonly path: string }

const AZ = /^az:\/\/([^/@]+)(?:\/(.*))?$/i
const ABFSS = /^abfss:\/\/([^/@]+)@([a-z0-9]+)\.dfs\.core\.windows\.net(?:\/(.*))?$/i
const S3_ADDRESS = /^s3:\/\/([^/@]+)(?:\/(.*))?$/i
const CONTAINER = /^[a-z0-9](?:[a-z0-9-]{1,61}[a-z0-9])$/
const BUCKET = /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/

/** The parts of an address, or why it is none. */
export function parseLakeAddress(text: string): LakeAddress | string {
  const azure = AZ.exec(text) ?? ABFSS.exec(text)
  if (azure !== null) {
    const isAbfss = /^abfss/i.test(text)
    const container = azure[1] ?? ''
    const path = pathOf(isAbfss ? azure[3] : azure[2])
    if (path === undefined) return 'has an empty, `.` or `..` part in its path'
    if (!CONTAINER.test(container)) return 'names a container that cannot exist: 3 to 63 of a-z, 0-9 and -'
    return { kind: 'azure', container, path, account: isAbfss ? azure[2]?.toLowerCase() : undefined }
  }
  const s3 = S3_ADDRESS.exec(text)
  if (s3 !== null) {
    const [, bucket = '', rest] = s3
    const path = pathOf(rest)
    if (path === undefined) return 'has an empty, `.` or `..` part in its path'
    if (!BUCKET.test(bucket)) return 'names a bucket that cannot exist: 3 to 63 of a-z, 0-9, . and -'
    return { kind: 's3', bucket, path }
  }
  return 'is not written as az://container/path, abfss://container@account.dfs.core.windows.net/path or s3://bucket/path'
}

/** The address in its usual spelling, without a slash at the end. */
export function printLakeAddress(address: LakeAddress): string {
  const tail = address.path === '' ? '' : `/${address.path}`
  if (address.kind === 's3') return `s3://${address.bucket}${tail}`
  const { container, account } = address
  return account === undefined
    ? `az://${container}${tail}`
    : `abfss://${container}@${account}.dfs.core.windows.net${tail}`
}

function pathOf(text: string | undefined): string | undefined {
  const path = (text ?? '').replace(/\/$/, '')
  const isBad = path !== '' && path.split('/').some(part => /^\.{0,2}$/.test(part) || /[\0\\?#]/.test(part))
  return isBad ? undefined : path
}
