/** The flow files of a project: what the `flows` patterns match, sorted, inside the project only. */
import { glob, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { CONFIG_NO_MATCH, CONFIG_OUTSIDE_PROJECT } from '../errors/config.ts'
import type { Place, Problem } from '../errors/problem.ts'
import { isInside } from './project-path.ts'

export interface FlowPattern {
  pattern: string
  /** Undefined for the patterns nobody wrote: those may match nothing. */
  place: Place | undefined
}

/** The patterns of a project that writes none. */
export const defaultFlowPatterns: readonly FlowPattern[] = ['silver/**', 'gold/**'].map(pattern => ({
  pattern,
  place: undefined,
}))

/** Paths of .sql and .ts files relative to the root, with `/`, each once, in byte order. Tests and typings are no flows. */
export async function findFlowFiles(
  root: string,
  patterns: readonly FlowPattern[],
): Promise<{ files: readonly string[]; problems: readonly Problem[]; warnings: readonly Problem[] }> {
  const files = new Set<string>()
  const problems: Problem[] = []
  const warnings: Problem[] = []
  for (const { pattern, place } of patterns) {
    if (/^([/\\]|[A-Za-z]:)/.test(pattern) || pattern.split(/[/\\]/).includes('..')) {
      problems.push(CONFIG_OUTSIDE_PROJECT({ key: 'flows', path: pattern }, { place }))
      continue
    }
    let matched = 0
    for await (const found of glob(pattern, { cwd: root, exclude: name => name === 'node_modules' })) {
      const file = found.replaceAll('\\', '/').replace(/^\.\//, '')
      if (!isFlowFile(file) || !(await stat(join(root, file)).then(one => one.isFile()))) continue
      matched++
      if (isInside(root, join(root, file))) files.add(file)
      else problems.push(CONFIG_OUTSIDE_PROJECT({ key: 'flows', path: file }, { place }))
    }
    if (matched === 0 && place !== undefined) warnings.push(CONFIG_NO_MATCH({ key: 'flows', pattern }, { place }))
  }
  return { files: [...files].sort(), problems, warnings }
}

function isFlowFile(file: string): boolean {
  return /\.(sql|ts)$/.test(file) && !/\.(test|d)\.ts$/.test(file)
}
