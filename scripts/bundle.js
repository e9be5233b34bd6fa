#!/usr/bin/env node
/**
 * Puts the built command into a few files, `packages/tidemark/dist/command`, with what it imports from npm: finding and
 * opening a thousand small files was most of the time in which a command starts. Run `tsc -b` first.
 */
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { rolldown } from 'rolldown'

const home = fileURLToPath(new URL('../packages/tidemark', import.meta.url))
const target = join(home, 'dist', 'command')

/** What stays where npm installs it: native code, and what is loaded by those alone who need it. */
const { peerDependencies } = JSON.parse(readFileSync(join(home, 'package.json'), 'utf8'))
const OUTSIDE = ['@duckdb/node-bindings', 'nodemailer', 'pg-native', 'pg-cloudflare', ...Object.keys(peerDependencies)]

/** The command, and the thread of SQLite, which is started by its file. */
const input = {
  main: join(home, 'dist', 'cli', 'main.js'),
  thread: join(home, 'dist', 'sources', 'sqlite', 'thread.js'),
}

/** @param {string} file */
function packageOf(file) {
  for (let folder = dirname(file); ; folder = dirname(folder)) {
    const manifest = join(folder, 'package.json')
    if (existsSync(manifest) && JSON.parse(readFileSync(manifest, 'utf8')).name !== undefined) return folder
    if (folder === dirname(folder)) throw new Error(`${file} belongs to no package`)
  }
}

/**
 * The licenses of what was taken in; a package without the text of its own is named with what its manifest says.
 *
 * @param {Iterable<string>} files
 */
function licenses(files) {
  const foreign = [...new Set([...files].map(packageOf))].filter(folder => folder.includes('node_modules')).sort()
  return foreign.map(folder => {
    const { name, version, license, author } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
    const file = readdirSync(folder).find(entry => /^licen[cs]e/i.test(entry))
    const text = file === undefined ? `${license}, ${author?.name ?? author}` : readFileSync(join(folder, file), 'utf8')
    return `${name} ${version}\n\n${text.trim()}\n`
  })
}

rmSync(target, { recursive: true, force: true })
const bundle = await rolldown({
  input,
  platform: 'node',
  external: id => OUTSIDE.some(name => id === name || id.startsWith(`${name}/`)),
})
const { output } = await bundle.write({
  dir: target,
  format: 'esm',
  entryFileNames: '[name].js',
  chunkFileNames: '[name]-[hash].js',
  // What several commands share is one file: opening dozens cost more than reading what one of them does without.
  codeSplitting: { groups: [{ name: 'shared', minShareCount: 2 }] },
})
await bundle.close()
const files = output.flatMap(chunk => (chunk.type === 'chunk' ? chunk.moduleIds : []))
writeFileSync(
  join(target, 'LICENSES.txt'),
  licenses(files.filter(file => existsSync(file))).join(`\n${'-'.repeat(80)}\n\n`),
)
console.log(`dist/command: ${output.length} files of ${files.length} modules`)
