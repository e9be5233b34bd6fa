#!/usr/bin/env node
/**
 * Prepares the other readers that `npm run test:all` compares us with: delta-rs, from Python's registry, in .cache/venv.
 * Without Python or without the registry it says so in one line and succeeds; the tests that need it then say that
 * they were left out, and why. Plain JavaScript for Node 20.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Pinned, so that a new release of another reader is a change we make and not one that happens to us. */
const PACKAGES = ['deltalake==1.6.6', 'pyarrow==26.0.1']

const folder = fileURLToPath(new URL('../.cache/venv', import.meta.url))
const python = process.platform === 'win32' ? join(folder, 'Scripts', 'python.exe') : join(folder, 'bin', 'python')
const stamp = join(folder, 'installed.txt')

/** Run a command to its end; the last line it printed is the reason when it failed, undefined when it did not. */
function findFailure(command, args) {
  const done = spawnSync(command, args, { encoding: 'utf8', timeout: 240_000 })
  if (done.error !== undefined) return done.error.message
  if (done.status === 0) return undefined
  return `${done.stdout}${done.stderr}`.trim().split('\n').at(-1) ?? `exit ${done.status}`
}

function install() {
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === PACKAGES.join('\n')) return undefined
  rmSync(folder, { recursive: true, force: true })
  return (
    findFailure(process.platform === 'win32' ? 'py' : 'python3', ['-m', 'venv', folder]) ??
    findFailure(python, ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', ...PACKAGES])
  )
}

const failure = install()
if (failure === undefined) {
  writeFileSync(stamp, PACKAGES.join('\n'))
} else {
  // A half-made environment would look like a finished one to the tests.
  rmSync(folder, { recursive: true, force: true })
  console.error(`The comparison with other Delta readers is left out: ${failure}`)
  console.error(`hint: it needs Python 3.10 or later with venv, and ${PACKAGES.join(', ')} from Python's registry.`)
}
