#!/usr/bin/env node
/**
 * Keeps package-lock.json installable on every platform. A registry that lacks some platform builds of a tool makes
 * `npm install` leave them out of the lockfile, and `npm ci` then refuses the whole file; this adds what is missing.
 *
 *   node scripts/complete-lockfile.js           add the missing entries
 *   node scripts/complete-lockfile.js --check   say what is wrong and exit 1, change nothing
 *
 * Added entries carry no integrity: nobody could read the package here. `npm install` on a registry that has them fills
 * it in.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { isDeepStrictEqual } from 'node:util'

const CPUS = ['arm64', 'x64', 'ia32', 'ppc64', 'riscv64', 's390x', 'arm']
const SYSTEMS = ['android', 'darwin', 'freebsd', 'linux', 'openharmony', 'win32']

/**
 * Read system, processor and C library from a platform package's name, `@oxlint/binding-linux-arm-musleabihf`.
 * Only the part after the scope counts. Throws when the name carries no system or no processor we know.
 *
 * @param {string} name
 * @returns {{ os: string[], cpu: string[], libc?: string[] }}
 */
export function parsePlatform(name) {
  const words = name.slice(name.indexOf('/') + 1).split('-')
  const os = SYSTEMS.find(system => words.includes(system))
  const cpu = CPUS.find(processor => words.includes(processor))
  if (os === undefined || cpu === undefined) throw new Error(`no platform can be read from the package name ${name}`)
  if (os !== 'linux') return { os: [os], cpu: [cpu] }
  return { os: [os], cpu: [cpu], libc: [words.some(word => word.startsWith('musl')) ? 'musl' : 'glibc'] }
}

/**
 * The entry a package at `from` gets when it asks for `name`, by Node's walk up the folders; undefined when none.
 *
 * @param {Record<string, any>} packages
 */
function findEntry(packages, from, name) {
  for (let folder = from; ; ) {
    const path = folder === '' ? `node_modules/${name}` : `${folder}/node_modules/${name}`
    if (packages[path] !== undefined) return { path, entry: packages[path] }
    if (folder === '') return undefined
    const cut = folder.lastIndexOf('/node_modules/')
    folder = cut === -1 ? '' : folder.slice(0, cut)
  }
}

/**
 * List the optional dependencies that are declared in the lockfile and have no entry in it.
 *
 * @returns {{ from: string, name: string, version: string }[]}
 */
export function listMissing(lock) {
  const missing = new Map()
  for (const [from, entry] of Object.entries(lock.packages)) {
    for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
      if (findEntry(lock.packages, from, name) === undefined) missing.set(name, { from, name, version })
    }
  }
  return [...missing.values()]
}

/** A new lockfile value with every missing platform package added, in npm's order of keys. */
export function completeLock(lock) {
  const packages = { ...lock.packages }
  for (const { from, name, version } of listMissing(lock)) {
    if (!/^\d/.test(version)) throw new Error(`${from} asks for ${name} ${version}; only exact versions can be added`)
    const parent = lock.packages[from]
    const sibling = Object.keys(parent.optionalDependencies).map(other => findEntry(lock.packages, from, other)?.entry)
    const engines = sibling.find(entry => entry?.engines)?.engines
    const { os, cpu, libc } = parsePlatform(name)
    packages[`node_modules/${name}`] = {
      version,
      cpu,
      ...(parent.dev ? { dev: true } : {}),
      ...(libc ? { libc } : {}),
      ...(parent.license ? { license: parent.license } : {}),
      optional: true,
      os,
      ...(engines ? { engines } : {}),
    }
  }
  const sorted = Object.entries(packages).sort(([a], [b]) => (a < b ? -1 : 1))
  return { ...lock, packages: Object.fromEntries(sorted) }
}

/**
 * Say what keeps a lockfile from installing elsewhere, one sentence each; an empty list means it is complete.
 *
 * @param {Record<string, any>} manifests package.json contents by folder, '' for the root
 * @returns {string[]}
 */
export function checkLock(lock, manifests) {
  const faults = listMissing(lock).map(({ from, name }) => `${from} needs ${name}, which has no entry`)
  for (const [path, entry] of Object.entries(lock.packages)) {
    if (entry.resolved !== undefined && !entry.link) faults.push(`${path} names a download address`)
  }
  for (const [folder, manifest] of Object.entries(manifests)) {
    for (const kind of ['dependencies', 'devDependencies', 'optionalDependencies']) {
      if (!isDeepStrictEqual(manifest[kind] ?? {}, lock.packages[folder]?.[kind] ?? {}))
        faults.push(`${kind} of ${folder || 'the root'} differ from package.json`)
    }
  }
  return faults
}

function main() {
  const file = fileURLToPath(new URL('../package-lock.json', import.meta.url))
  const lock = JSON.parse(readFileSync(file, 'utf8'))
  if (process.argv.includes('--check')) {
    const root = readManifest('')
    const folders = ['', ...root.workspaces]
    const faults = checkLock(lock, Object.fromEntries(folders.map(folder => [folder, readManifest(folder)])))
    for (const fault of faults) console.error(`package-lock.json: ${fault}`)
    if (faults.length > 0) console.error('hint: npm install, then node scripts/complete-lockfile.js')
    process.exitCode = faults.length > 0 ? 1 : 0
    return
  }
  const missing = listMissing(lock)
  writeFileSync(file, `${JSON.stringify(completeLock(lock), null, 2)}\n`)
  console.error(`package-lock.json: ${missing.length} entries added`)
}

function readManifest(folder) {
  return JSON.parse(
    readFileSync(new URL(`../${folder === '' ? '' : `${folder}/`}package.json`, import.meta.url), 'utf8'),
  )
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) main()
