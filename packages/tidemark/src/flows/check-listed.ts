/**
 * What can be known of the rules and transformations of a table list without a table: whether their SQL can be read, and means
 * the same on every engine. Names of columns are known with the columns.
 */
import { type Place, Problem, Problems } from '../errors/problem.ts'
import type { TableEntry } from '../model/project.ts'
import type { FlowContext } from './context.ts'

/** Everything wrong with the expressions of some entries; what several have from their defaults is told once. */
export async function checkListed(
  portable: Pick<FlowContext['portable'], 'emitExpression'>,
  entries: readonly TableEntry[],
): Promise<readonly Problem[]> {
  const found = new Map<string, Problem>()
  const check = async (expression: string, place: Place, result?: 'condition'): Promise<void> => {
    const options = result === undefined ? {} : { result }
    for (const problem of await problemsOf(portable.emitExpression(expression, place, options))) {
      found.set(JSON.stringify([problem.code, problem.place, problem.message]), problem)
    }
  }
  for (const { silver, place } of entries) {
    for (const rule of silver.expectations) await check(rule.expression, rule.place ?? place, 'condition')
    for (const made of silver.transform) if (made.kind === 'derive') await check(made.expression, place)
  }
  return [...found.values()]
}

async function problemsOf(emitted: Promise<unknown>): Promise<readonly Problem[]> {
  try {
    await emitted
    return []
  } catch (error) {
    if (error instanceof Problems) return error.problems
    if (error instanceof Problem) return [error]
    throw error
  }
}
