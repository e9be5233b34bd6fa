/**
 * What the architecture tests look at: the repository's files and the import lines in them. Reads text only; nothing is
 * compiled or run.
 */
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join, posix } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root: string = fileURLToPath(new URL('../..', import.meta.url))

/** Paths of all files git tracks or would track, with forward slashes, sorted. */
export function listRepositoryFiles(): string[] {
  const listed = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '-z'], {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 1 << 26,
  })
  return [...new Set(listed.split('\0'))].filter(path => path !== '' && existsSync(join(root, path))).sort()
}

/** Product code: what is compiled and published, without the tests beside it. */
export function listSourceFiles(): string[] {
  return listRepositoryFiles().filter(path => /^packages\/[^/]+\/src\/.*\.ts$/.test(path) && !path.endsWith('.test.ts'))
}

export function readRepositoryFile(path: string): string {
  return readFileSync(join(root, path), 'utf8')
}

/** The module names in a file's import and re-export lines, in order, with static and dynamic imports alike. */
export function parseImports(text: string): string[] {
  const pattern = /^\s*(?:import|export)\b(?:[^'"`;]*?\bfrom)?\s*'([^']+)'|\bimport\(\s*'([^']+)'/gm
  return [...text.matchAll(pattern)].map(match => match[1] ?? match[2] ?? '')
}

/** The repository path a relative import means; other specifiers come back as they are. */
export function resolveImport(from: string, specifier: string): string {
  return specifier.startsWith('.') ? posix.join(posix.dirname(from), specifier) : specifier
}
