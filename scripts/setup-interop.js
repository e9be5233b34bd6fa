#!/usr/bin/env node
/**
 * Prepares the other Delta engines that `npm run test:all` compares us with, in .cache/: delta-rs and DuckDB's delta
 * extension from Python's registry, Spark with Delta as jars by Maven; moto, which stands for S3; DuckDB's extension for
 * PostgreSQL; the oldest Node that runs the product; and other releases of databases that are read. What cannot be
 * had is named with its reason, and the script succeeds; the tests that need it then say that they were left out. So is a
 * missing MariaDB server. Plain JavaScript for Node 20.
 *
 *   node scripts/setup-interop.js [postgres-15 …]   releases of test/support/releases that are wanted as well
 */
import { spawnSync } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { installMysql } from './install-mysql.js'

const root = fileURLToPath(new URL('..', import.meta.url))
const lists = join(root, 'test/support/interop')
const isWindows = process.platform === 'win32'

const ENGINES = [
  {
    what: 'delta-rs and DuckDB with its delta extension',
    folder: join(root, '.cache/venv'),
    list: join(lists, 'requirements.txt'),
    needs: 'Python 3.10 or later with venv, and the packages of test/support/interop/requirements.txt.',
    install: installPython,
  },
  {
    what: 'moto, the emulator of S3',
    folder: join(root, '.cache/moto'),
    list: join(root, 'test/support/cloud/requirements.txt'),
    needs: 'Python 3.10 or later with venv, and the packages of test/support/cloud/requirements.txt.',
    install: installPython,
  },
  {
    what: "DuckDB's extension for PostgreSQL",
    folder: join(root, '.cache/extension'),
    list: join(root, 'test/support/extension/requirements.txt'),
    needs: 'Python 3.10 or later with venv, and the package of test/support/extension/requirements.txt.',
    install: installPython,
  },
  {
    what: 'Node 22.18, the oldest that runs the product',
    folder: join(root, '.cache/oldest-node'),
    list: join(root, 'test/support/oldest-node/packages.json'),
    needs: 'npm, and the package of test/support/oldest-node/packages.json for this system.',
    install: installFromNpm,
  },
  ...['postgres-12', ...process.argv.slice(2)].map(release => ({
    what: release.replace('-', ' '),
    folder: join(root, '.cache', release),
    list: join(root, `test/support/releases/${release}.json`),
    needs: `npm, and the package of test/support/releases/${release}.json for this system.`,
    install: installFromNpm,
  })),
  {
    what: 'MySQL',
    folder: join(root, '.cache/mysql'),
    list: join(root, 'test/support/releases/mysql.txt'),
    needs: 'Debian, on Linux: its apt and dpkg, and the packages of test/support/releases/mysql.txt.',
    install: (folder, list) => installMysql(folder, list, findFailure),
  },
  {
    what: 'Spark with Delta',
    folder: join(root, '.cache/spark'),
    list: join(lists, 'pom.xml'),
    needs: 'a JDK 17 or later (with its compiler), Maven, and the artifacts of test/support/interop/pom.xml.',
    install: installSpark,
  },
]

/** Run a command to its end; the last line it printed is the reason when it failed, undefined when it did not. */
function findFailure(command, args) {
  const done = spawnSync(command, args, {
    encoding: 'utf8',
    timeout: 600_000,
    shell: isWindows && ['mvn', 'npm'].includes(command),
  })
  if (done.error !== undefined) return done.error.message
  if (done.status === 0) return undefined
  const lines = `${done.stdout}${done.stderr}`.trim().split('\n')
  return lines.find(line => line.startsWith('[ERROR]')) ?? lines.at(-1) ?? `exit ${done.status}`
}

function installPython(folder, list) {
  const python = isWindows ? join(folder, 'Scripts', 'python.exe') : join(folder, 'bin', 'python')
  return (
    findFailure(isWindows ? 'py' : 'python3', ['-m', 'venv', folder]) ??
    findFailure(python, ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--requirement', list])
  )
}

/** npm takes the one of the packages that is for this system. */
function installFromNpm(folder, list) {
  mkdirSync(folder, { recursive: true })
  copyFileSync(list, join(folder, 'package.json'))
  const npm = process.env.npm_execpath
  const install = ['install', '--prefix', folder, '--no-audit', '--no-fund', '--no-package-lock', '--ignore-scripts']
  const failure = npm === undefined ? findFailure('npm', install) : findFailure(process.execPath, [npm, ...install])
  if (failure !== undefined) return failure
  return existsSync(join(folder, 'node_modules')) ? undefined : 'npm has none of its packages for this system'
}

function installSpark(folder, list) {
  const copy = ['dependency:copy-dependencies', '-DincludeScope=runtime', `-DoutputDirectory=${join(folder, 'lib')}`]
  return findMissingJava() ?? findFailure('mvn', ['--batch-mode', '--quiet', '--file', list, ...copy])
}

/** Why the machine's Java cannot run Spark and compile the small program in front of it, or undefined. */
function findMissingJava() {
  const done = spawnSync('java', ['--list-modules'], { encoding: 'utf8' })
  if (done.error !== undefined) return done.error.message
  const version = Number(/^java\.base@(\d+)/m.exec(done.stdout)?.[1] ?? 0)
  if (version < 17) return `java is version ${version || 'unknown'}`
  return done.stdout.includes('jdk.compiler@') ? undefined : 'java has no compiler: it is a JRE'
}

for (const { what, folder, list, needs, install } of ENGINES) {
  const stamp = join(folder, 'installed.txt')
  const wanted = readFileSync(list, 'utf8')
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) continue
  rmSync(folder, { recursive: true, force: true })
  const failure = install(folder, list)
  if (failure === undefined) {
    writeFileSync(stamp, wanted)
    continue
  }
  // A half-made installation would look like a finished one to the tests.
  rmSync(folder, { recursive: true, force: true })
  console.error(`What needs ${what} is left out: ${failure}`)
  console.error(`hint: it needs ${needs}`)
}

const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin', '/usr/libexec']
if (!folders.some(folder => ['mariadbd', 'mysqld'].some(name => existsSync(join(folder, name))))) {
  console.error('The tests of MySQL sources are left out: there is no mariadbd or mysqld.')
  console.error('hint: on Debian, apt-get install mariadb-server; the tests start a server of their own.')
}
