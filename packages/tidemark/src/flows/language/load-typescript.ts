/** Load a flow file in TypeScript: Node runs it, with `tidemark` being the library that is running. */
import { registerHooks, type ResolveHookSync } from 'node:module'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Place, Problem } from '../../errors/problem.ts'
import { FLOW_MODULE } from '../../errors/flow.ts'
import type { FlowSource } from '../../model/flow.ts'
import { readDefinitions } from './definition.ts'

/** `tidemark` means the package that this module is part of, source or built: a flow file needs no installation beside it. */
const resolveFlowImport: ResolveHookSync = (specifier, context, next) => {
  if (specifier !== 'tidemark') return next(specifier, context)
  const conditions = import.meta.url.endsWith('.ts') ? ['source', ...context.conditions] : context.conditions
  return next(specifier, { ...context, conditions, parentURL: import.meta.url })
}

/**
 * Import a flow file and read its exports. A module is run once in the life of a process.
 *
 * @param file relative to `root`, with forward slashes
 * @param text the file's content, for places
 */
export async function loadTypeScriptFlows(input: {
  file: string
  root: string
  text: string
}): Promise<{ source: FlowSource | undefined; problems: Problem[] }> {
  const url = pathToFileURL(resolve(input.root, input.file)).href
  const hooks = registerHooks({ resolve: resolveFlowImport })
  try {
    const exports = (await import(url)) as Record<string, unknown>
    return readDefinitions(input.file, input.text, exports)
  } catch (error) {
    const reason = error instanceof Error ? `${error.name}: ${error.message.split('\n')[0]}` : String(error)
    const place = placeOf(error, url, input.file)
    return { source: undefined, problems: [FLOW_MODULE({ file: input.file, reason }, { place, cause: error })] }
  } finally {
    hooks.deregister()
  }
}

/** Where the module failed, when its stack says so. */
function placeOf(error: unknown, url: string, file: string): Place {
  const stack = error instanceof Error ? (error.stack ?? '') : ''
  for (const name of [url, new URL(url).pathname]) {
    const at = stack.indexOf(`${name}:`)
    const found = at < 0 ? null : /^:(\d+)(?::(\d+))?/.exec(stack.slice(at + name.length))
    if (found) return { file, line: Number(found[1]), column: Number(found[2] ?? 1) }
  }
  return { file, line: 1, column: 1 }
}
