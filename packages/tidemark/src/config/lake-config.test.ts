import { describe, expect, test } from 'vitest'
import type { Problem } from '../errors/problem.ts'
import { buildLake } from './lake-config.ts'
import type { MapNode } from './node.ts'
import { sourceText } from './source-text.ts'
import { parseYaml } from './yaml-text.ts'

function lakeOf(yaml: string): ReturnType<typeof buildLake> {
  return buildLake(parseYaml(sourceText('tidemark.yml', yaml)).node as MapNode, '/project')
}

function problemOf(yaml: string): string {
  const { lake, problems } = lakeOf(yaml)
  expect(lake).toBeUndefined()
  return problems
    .map(({ code, message, place }: Problem) => `${place?.line}:${place?.column} ${code} ${message}`)
    .join('\n')
}

describe('a lake', () => {
  test('is a folder unless it is written as an address', () => {
    expect(lakeOf('name: x').lake).toEqual({ lake: '/project/lake', remote: undefined })
    expect(lakeOf('lake: ./az:/x').lake).toEqual({ lake: '/project/az:/x', remote: undefined })
  })
  test('in a store is reached by an identity, with copies beside the project, where nothing else is said', () => {
    const { lake } = lakeOf('lake: abfss://Lake@Acct.dfs.core.windows.net/m/')
    expect(lake).toBeUndefined()
    expect(lakeOf('lake: abfss://lake@acct.dfs.core.windows.net/m/').lake).toEqual({
      lake: 'abfss://lake@acct.dfs.core.windows.net/m',
      remote: {
        account: undefined,
        endpoint: undefined,
        region: undefined,
        clientId: undefined,
        login: { kind: 'identity' },
        local: '/project/.tidemark',
        cacheBytes: 10e9,
        stagingBytes: undefined,
      },
    })
  })
  test.each([
    ['lake: az://l1k\nlake_options: { account: a12, sas: { secret: env:S } }', { kind: 'signature' }],
    ['lake: az://l1k\nlake_options: { connection_string: { secret: env:S } }', { kind: 'connection string' }],
    ['lake: az://l1k\nlake_options: { account_key: { secret: env:S } }', { kind: 'account key' }],
    [
      'lake: s3://l1k\nlake_options: { access_key_id: A, secret_access_key: { secret: env:S } }',
      { kind: 'access key' },
    ],
  ])('takes a key as a reference: %s', (yaml, login) => {
    expect(lakeOf(yaml).lake?.remote?.login).toMatchObject({ ...login, secret: { kind: 'env', name: 'S' } })
  })
  test.each([
    ['lake: az://Up/x', '1:7 CONFIG_LAKE_PATH `lake: az://Up/x` names a container that cannot exist'],
    ['lake: s3a://b/x', '1:7 CONFIG_LAKE_PATH `lake: s3a://b/x` is not written as az://container/path'],
    ['lake: s3://buck/a/../b', '1:7 CONFIG_LAKE_PATH `lake: s3://buck/a/../b` has an empty, `.` or `..` part'],
    ['lake: s3://buck\nlake_options: { account: acct }', '2:17 CONFIG_CONFLICT `lake_options.account` has no meaning'],
    ['lake: az://buck\nlake_options: { region: x }', '2:17 CONFIG_CONFLICT `lake_options.region` has no meaning'],
    ['lake: s3://buck\nlake_options: { access_key_id: x }', '2:1 CONFIG_CONFLICT `lake_options` gives half of an'],
    [
      'lake: az://buck\nlake_options: { sas: { secret: env:A }, account_key: { secret: env:B } }',
      'CONFIG_CONFLICT `lake_options` gives both `account_key` and `sas`',
    ],
    ['lake: az://buck\nlake_options: { sas: { secret: "?sv=1" } }', '2:32 SECRET_FORM'],
  ])('that cannot be is refused at its own text: %s', (yaml, message) => {
    expect(problemOf(yaml)).toContain(message)
  })
  test('in a folder has no use for options of a store, and is told where they belong', () => {
    const { problems } = lakeOf('lake: ./lake\nlake_options: { account: acct }')
    expect(problems).toMatchObject([{ code: 'CONFIG_CONFLICT', hint: expect.stringContaining('in the target') }])
  })
})
