/** Read all flow files of a project, SQL and TypeScript, and collect what is wrong in any of them. */
import { readFlowText } from '../../config/flow-text.ts'
import type { Problem } from '../../errors/problem.ts'
import { FLOW_FILE } from '../../errors/flow.ts'
import type { FlowSource } from '../../model/flow.ts'
import { parseFlowFile } from './lakeflow-sql.ts'
import { loadTypeScriptFlows } from './load-typescript.ts'
import { schemaOfFile } from './name.ts'

/**
 * Flows of the files, in the order of the files. Never throws for what a file holds; a file with a problem gives no flow.
 *
 * @param files relative to `root`, with forward slashes
 * @param root  folder of the project, absolute
 */
export async function loadFlows(
  files: readonly string[],
  root: string,
): Promise<{ flows: FlowSource[]; problems: Problem[] }> {
  const flows: FlowSource[] = []
  const problems: Problem[] = []
  for (const file of files) {
    const loaded = await loadFile(file, root)
    if (loaded.source) flows.push(loaded.source)
    problems.push(...loaded.problems)
  }
  return { flows, problems }
}

async function loadFile(file: string, root: string): Promise<{ source: FlowSource | undefined; problems: Problem[] }> {
  const refuse = (reason: string): { source: undefined; problems: Problem[] } => ({
    source: undefined,
    problems: [FLOW_FILE({ file, reason }, { place: { file, line: 1, column: 1 } })],
  })
  if (!/\.(sql|ts)$/.test(file)) return refuse('a flow file is .sql or .ts')
  const read = await readFlowText(file, root)
  if ('refused' in read) return refuse(`it cannot be read (${read.refused})`)
  if (file.endsWith('.ts')) return loadTypeScriptFlows({ file, root, text: read.text })
  return parseFlowFile({ file, text: read.text, schema: schemaOfFile(file) })
}
