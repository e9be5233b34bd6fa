import { expect, test } from 'vitest'
import type { KeptRef, Project, SourceConfig } from '../model/project.ts'
import { keptSecrets, knownSecrets } from './known-secrets.ts'

const place = { file: 'tidemark.yml', line: 1, column: 1 }

function project(connections: readonly SourceConfig['connection'][]): Project {
  const sources = connections.map(connection => ({
    name: 'app',
    type: 'postgres' as const,
    connection,
    timezone: 'UTC',
    prefix: '',
    place,
  }))
  return {
    name: 'shop',
    catalog: 'shop',
    root: '/',
    lake: 'az://lake/music',
    remote: {
      account: 'a',
      endpoint: undefined,
      region: undefined,
      clientId: undefined,
      login: { kind: 'account key', secret: { kind: 'env', name: 'KEY' } },
      local: '/.tidemark',
      cacheBytes: 0,
      stagingBytes: undefined,
    },
    target: { name: 'default', mode: 'production' },
    sources,
    tables: [],
    flows: [],
    alerts: { channels: [], rules: [] },
    variables: {},
    engineMemory: undefined,
    parallel: 1,
  }
}

test('an address without a password is no secret, so that a message can show it', () => {
  const connections = [
    { url: 'sqlite:data/shop.db' },
    { url: 'postgres://reader@db.example.org/shop' },
    { url: 'postgres://reader:pass-word@db.example.org/shop' },
    { url: { secret: { kind: 'env' as const, name: 'URL' } } },
    { url: { secret: { kind: 'env' as const, name: 'NOWHERE' } } },
    { host: 'h', port: 1, database: 'd', user: 'u', password: 'other-word' },
  ]
  const secrets = knownSecrets(project(connections), { env: { URL: 'sqlite:hidden.db', KEY: 'key-of-the-lake' } })
  expect(secrets.map(secret => secret.reveal())).toEqual([
    'postgres://reader:pass-word@db.example.org/shop',
    'sqlite:hidden.db',
    'other-word',
    'key-of-the-lake',
  ])
})

test('of sources that the named tables do not need nothing is fetched', () => {
  const kept = (name: string): { url: { secret: KeptRef } } => ({
    url: { secret: { kind: 'azure-kv', vault: 'https://v', name } },
  })
  const two = project([kept('of-app'), kept('of-erp')])
  const [app, erp] = two.sources.map((source, n) => ({ ...source, name: ['app', 'erp'][n] ?? '' }))
  const sources = [app, erp].filter(source => source !== undefined)
  const tables = [
    { source: 'app', name: 'users' },
    { source: 'erp', name: 'items' },
  ] as unknown as Project['tables']
  const names = (...tablesNamed: string[]): string[] =>
    keptSecrets({ ...two, sources, tables }, ['sources'], tablesNamed).flatMap(ref => ('name' in ref ? [ref.name] : []))
  expect(names('users+')).toEqual(['of-app'])
  expect(names()).toEqual(['of-app', 'of-erp'])
  expect(names('gold.sales')).toEqual(['of-app', 'of-erp'])
})
