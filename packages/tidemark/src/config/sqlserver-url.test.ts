import { expect, test } from 'vitest'
import { Problem } from '../errors/problem.ts'
import { parseSqlServerUrl } from './sqlserver-url.ts'
import { typeOfUrl, usualSchema } from './url-type.ts'

const read = (url: string): object => {
  const { password, ...parts } = parseSqlServerUrl(url)
  return { ...parts, ...(password === undefined ? {} : { password: password.reveal() }) }
}

test('parts and parameters, in the spelling of connection strings too', () => {
  const plain = { host: 'db', port: 1433, user: 'app', database: 'music', readOnlyIntent: false, byIdentity: false }
  expect(read('mssql://app:p%40w@db/music')).toEqual({ ...plain, password: 'p@w' })
  expect(read('sqlserver://app@db:1500/music?encrypt=true')).toEqual({ ...plain, port: 1500, tls: 'verify' })
  expect(read('mssql://app@db/music?Encrypt=Mandatory&TrustServerCertificate=yes')).toEqual({
    ...plain,
    tls: 'insecure',
  })
  expect(read('mssql://app@db/music?encrypt=false&applicationIntent=ReadOnly')).toEqual({
    ...plain,
    tls: 'off',
    readOnlyIntent: true,
  })
})

test('an identity needs no user, and takes no password', () => {
  expect(read('mssql://db.example.org/music?authentication=ActiveDirectoryDefault')).toMatchObject({
    user: '',
    byIdentity: true,
  })
  expect(read('mssql://client-id@db/music?Authentication=Active%20Directory%20Default')).toMatchObject({
    user: 'client-id',
    byIdentity: true,
  })
})

test.each([
  ['mssql://db/music', 'names no user'],
  ['mssql://app:hunter2@db/music?trustservercertificate=maybe', 'trustServerCertificate other than'],
  ['mssql://app:hunter2@db/music?encrypt=strict', 'encrypt other than'],
  ['mssql://app:hunter2@db/music?encrypt=false&trustServerCertificate=true', 'does not ask for'],
  ['mssql://app:hunter2@db/music?integratedSecurity=true', 'a parameter other than'],
  ['mssql://app:hunter2@db/music?authentication=NTLM', 'Windows logins are not offered'],
  ['mssql://app:hunter2@db/music?authentication=ActiveDirectoryDefault', 'gives a password to an identity'],
  ['mssql://app:hunter2@db/music?applicationIntent=write', 'applicationIntent other than'],
])('%s is refused without a word of the password', (url, reason) => {
  try {
    parseSqlServerUrl(url)
    expect.unreachable()
  } catch (error) {
    expect(error).toBeInstanceOf(Problem)
    expect((error as Problem).message).toContain(reason)
    expect(`${(error as Problem).message}${JSON.stringify(error)}`).not.toContain('hunter2')
  }
})

test('the kind of a database is that of its scheme', () => {
  const urls = ['mssql://a@b/c', 'sqlserver://a@b/c', 'mariadb://a@b/c', 'postgres://a@b/c']
  expect(urls.map(url => [typeOfUrl(url), usualSchema(url)])).toEqual([
    ['sqlserver', 'dbo'],
    ['sqlserver', 'dbo'],
    ['mysql', 'c'],
    ['postgres', 'public'],
  ])
})

test.each([
  'oracle://a:hunter2@b/c',
  'Server=b;Database=c;Password=hunter2',
  'jdbc:postgresql://b/c?password=hunter2',
  '',
])('an address of no kind is told the kinds that there are: %j', url => {
  expect(() => typeOfUrl(url)).toThrow(/begins with none of postgres:\/\/, mysql:\/\/.* and sqlite:/)
  expect(() => typeOfUrl(url)).not.toThrow(/hunter2/)
})
