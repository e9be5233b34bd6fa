import { expect, test } from 'vitest'
import { parseLakeAddress, printLakeAddress } from './lake-address.ts'

test.each([
  ['az://lake', 'az://lake'],
  ['az://lake/', 'az://lake'],
  ['az://lake/music/prod/', 'az://lake/music/prod'],
  ['abfss://lake@acct.dfs.core.windows.net/music', 'abfss://lake@acct.dfs.core.windows.net/music'],
  ['s3://my.bucket/music', 's3://my.bucket/music'],
])('%s is an address, and is printed as %s', (written, printed) => {
  const address = parseLakeAddress(written)
  if (typeof address === 'string') throw new Error(address)
  expect(printLakeAddress(address)).toBe(printed)
})

test('the account of an address is kept apart from its container', () => {
  expect(parseLakeAddress('abfss://lake@Acct.dfs.core.windows.net/a/b')).toEqual({
    kind: 'azure',
    container: 'lake',
    account: 'acct',
    path: 'a/b',
  })
})

test.each([
  ['gs://bucket/path', /is not written as/],
  ['abfss://lake@evil.example.org/path', /is not written as/],
  ['s3://user:password@bucket/path', /is not written as/],
  ['az://Lake/path', /container that cannot exist/],
  ['s3://-bucket/path', /bucket that cannot exist/],
  ['az://lake/a//b', /part in its path/],
  ['s3://bucket/a/../b', /part in its path/],
  ['az://lake/a?sig=secret', /part in its path/],
])('%s is refused with the reason, which repeats nothing of it', (written, reason) => {
  expect(parseLakeAddress(written)).toEqual(expect.stringMatching(reason))
  expect(parseLakeAddress(written)).not.toContain('secret')
})
