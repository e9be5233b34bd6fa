#!/usr/bin/env node
/**
 * Makes a fresh clone ready, then runs the command that follows, with Node 24 and the tools first on PATH.
 * Plain JavaScript for Node 20, because this is what runs before anything is installed.
 *
 *   node scripts/set-up.js [command …]
 */
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const platform = process.platform === 'win32' ? 'win' : process.platform
/** Node 24 as npm installed it. npm 10 does not link it into node_modules/.bin, so its own folder goes on PATH. */
const nodeFolder = join(root, 'node_modules', `node-${platform}-${process.arch}`, 'bin')

/**
 * Is what is installed what the lockfile says? Compares contents, not times: a checkout gives files new times.
 * A package that is absent counts only when no platform may leave it out; one too many does no harm.
 */
function isCurrent() {
  const installedFile = join(root, 'node_modules', '.package-lock.json')
  if (!existsSync(installedFile)) return false
  const wanted = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')).packages
  const installed = JSON.parse(readFileSync(installedFile, 'utf8')).packages
  return Object.entries(wanted).every(
    ([path, entry]) =>
      path === '' || (installed[path] ? installed[path].version === entry.version : entry.optional === true),
  )
}

/** Install from the lockfile with the npm that is running us; that npm keeps the Node it was started with. */
function install() {
  console.error('Installing packages from package-lock.json (once; about half a minute) …')
  const npm = process.env.npm_execpath?.endsWith('npm-cli.js') ? process.env.npm_execpath : undefined
  const args = ['ci', '--loglevel=error']
  const options = { cwd: root, stdio: ['ignore', 2, 2] }
  const done = npm
    ? spawnSync(process.env.npm_node_execpath ?? process.execPath, [npm, ...args], options)
    : spawnSync('npm', args, { ...options, shell: process.platform === 'win32' })
  if (done.status === 0) return
  console.error('npm ci failed; the lines above say why. Nothing else was started.')
  process.exit(3)
}

/** Does npm offer the Node binary of this machine at all? */
function isNodeOffered() {
  const { optionalDependencies = {} } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  return `node-${platform}-${process.arch}` in optionalDependencies
}

/** Stop with the way out when neither the machine nor npm has a Node that runs TypeScript. */
function requireNode(isThere) {
  if (isThere) return
  const [major = 0] = process.versions.node.split('.').map(Number)
  if (major >= 24) return
  console.error(`A clone of Tidemark needs Node 24; this is Node ${process.versions.node}.`)
  console.error(
    `There is no Node 24 package from npm for ${platform}-${process.arch} here: install Node 24, then run this again.`,
  )
  process.exit(3)
}

/** Run a command and end as it ends. Ctrl-C reaches the whole group; we only wait for the child to finish its work. */
function run(command, args) {
  const env = { ...process.env }
  const path = Object.keys(env).find(name => name.toUpperCase() === 'PATH') ?? 'PATH'
  env[path] = [nodeFolder, join(root, 'node_modules', '.bin'), env[path]].join(delimiter)
  const child = spawn(command, args, { stdio: 'inherit', env, cwd: root, shell: process.platform === 'win32' })
  process.on('SIGINT', () => {})
  process.on('SIGTERM', () => child.kill('SIGTERM'))
  child.on('error', error => {
    console.error(`${command} could not be started: ${error.message}`)
    process.exitCode = 3
  })
  child.on('exit', (code, signal) => {
    process.exitCode = signal === null ? (code ?? 1) : 1
  })
}

// Asked before anything is installed: half a minute of installing is too long a way to a refusal.
requireNode(isNodeOffered())
if (!isCurrent()) install()
requireNode(existsSync(nodeFolder))
const [command, ...args] = process.argv.slice(2)
if (command !== undefined) run(command, args)
