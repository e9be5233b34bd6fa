/**
 * A MySQL server out of Debian's packages, which have it in their newest suite alone: fetched by the machine's own apt,
 * unpacked with the libraries that it was built with, and started through their loader. Nothing of the machine changes.
 */
import { spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const KEYS = '/usr/share/keyrings/debian-archive-keyring.gpg'

/**
 * Undefined once `folder/mysqld` runs; else why it does not.
 *
 * @param list file with the suite and the packages
 * @param findFailure runs a command to its end
 */
export function installMysql(folder, list, findFailure) {
  const [suite, ...packages] = readFileSync(list, 'utf8').trim().split(' ')
  const site = findSite()
  if (site === undefined) return 'this machine has no apt that knows an archive of Debian'
  const apt = prepareApt(join(folder, 'apt'), `deb [signed-by=${KEYS}] ${site} ${suite} main\n`)
  return (
    findFailure('apt-get', [...apt, '--quiet', 'update']) ??
    findFailure('apt-get', [...apt, '--quiet', '--yes', '--download-only', 'install', ...packages]) ??
    unpack(folder, findFailure) ??
    writeStart(folder, findFailure)
  )
}

/** Where this machine gets Debian's packages; undefined where it gets none. */
function findSite() {
  const targets = ['indextargets', '--format', '$(SITE)', 'Created-By: Packages']
  const { stdout } = spawnSync('apt-get', targets, { encoding: 'utf8' })
  return (stdout ?? '').split('\n').find(site => site.endsWith('/debian'))
}

/** Options for an apt of its own, which has nothing installed and therefore fetches everything. */
function prepareApt(folder, sources) {
  for (const name of ['lists/partial', 'archives/partial']) mkdirSync(join(folder, name), { recursive: true })
  writeFileSync(join(folder, 'sources.list'), sources)
  writeFileSync(join(folder, 'status'), '')
  const options = {
    'Dir::Etc::sourcelist': join(folder, 'sources.list'),
    'Dir::Etc::sourceparts': '-',
    'Dir::State::lists': join(folder, 'lists'),
    'Dir::State::status': join(folder, 'status'),
    'Dir::Cache': folder,
    'Acquire::Languages': 'none',
    'APT::Install-Recommends': 'false',
    // Locks and another account guard the machine's own packages.
    'Debug::NoLocking': 'true',
    'APT::Sandbox::User': '',
  }
  return Object.entries(options).flatMap(([name, value]) => ['-o', `${name}=${value}`])
}

function unpack(folder, findFailure) {
  const archives = join(folder, 'apt', 'archives')
  // Perl is for programs beside the server.
  const names = readdirSync(archives).filter(name => name.endsWith('.deb') && !/^(lib)?perl/.test(name))
  for (const name of names) {
    const failure = findFailure('dpkg-deb', ['--extract', join(archives, name), folder])
    if (failure !== undefined) return failure
  }
  rmSync(join(folder, 'apt'), { recursive: true })
  return undefined
}

/** Arguments of ours go last: the server wants `--no-defaults` first. */
function writeStart(folder, findFailure) {
  const libraries = readdirSync(join(folder, 'usr', 'lib')).find(name => name.endsWith('-linux-gnu')) ?? ''
  const loader = readdirSync(join(folder, 'usr', 'lib', libraries)).find(name => /^ld-linux.*\.so\.\d$/.test(name))
  const start = join(folder, 'mysqld')
  const lines = [
    '#!/bin/sh',
    'here=$(cd "$(dirname "$0")" && pwd)',
    `libraries=$here/usr/lib/${libraries}`,
    `exec "$libraries/${loader}" --library-path "$libraries" "$here/usr/sbin/mysqld" "$@" --basedir="$here/usr"`,
  ]
  writeFileSync(start, `${lines.join('\n')}\n`)
  chmodSync(start, 0o755)
  return findFailure(start, ['--no-defaults', '--version'])
}
