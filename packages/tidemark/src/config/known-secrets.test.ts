import { expect, test } from 'vitest'
import type { Project, SourceConfig } from '../model/project.ts'
import { knownSecrets } from './known-secrets.ts'

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
