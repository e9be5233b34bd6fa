/**
 * Names of columns that flows would not find, and SQL of theirs that says nothing, told by a plan: from the columns that the
 * sources have now through each flow in graph order. Where columns are not known, nothing is said.
 */
import { readSnapshot, type StructType } from '@tidemark/delta'
import type { Engine } from '../engine/engine.ts'
import { FLOW_NOT_PORTABLE, FLOW_SYNTAX, FLOW_UNKNOWN_COLUMN } from '../errors/flow.ts'
import { Problem, Problems } from '../errors/problem.ts'
import { columnsMade } from '../flows/columns-made.ts'
import { isWhole } from '../flows/execute.ts'
import { createPortableSql } from '../flows/language/portable/portable-sql.ts'
import type { Flow } from '../model/flow.ts'
import { tablePath } from '../model/names.ts'
import type { LakeStore } from '../model/ports.ts'
import type { StepId } from '../model/step.ts'
import { inputsOf, stepId } from './plan.ts'
import { toProblem } from './problem-fact.ts'

interface CheckRequest {
  lake: LakeStore
  engine: Engine
  /** In graph order. */
  flows: readonly Flow[]
  /** Columns that bronze tables have after the next run, by name. */
  bronze: ReadonlyMap<string, StructType>
  signal: AbortSignal
}

/** What stops flows, by step. */
export async function findUnknownColumns(request: CheckRequest): Promise<ReadonlyMap<StepId, Problem>> {
  const { flows, signal } = request
  await using session = await request.engine.session()
  const context = { session, portable: createPortableSql(session) }
  const known = new Map<string, StructType | undefined>()
  for (const [name, schema] of request.bronze) known.set(name.toLowerCase(), schema)
  const given = (table: string): StructType | undefined => known.get(table.toLowerCase())
  const wanted = new Set(flows.flatMap(inputsOf).map(table => table.toLowerCase()))
  const found = new Map<StepId, Problem>()
  for (const flow of flows) {
    const target = flow.target.toLowerCase()
    let isRules = false
    try {
      const made = await columnsMade(context, flow, given)
      const isFilled = known.has(target)
      const kept = isFilled || !wanted.has(target) ? known.get(target) : await inLake(request, flow)
      const before = isFilled ? (kept ?? 'unknown') : kept
      known.set(target, made === undefined || before === 'unknown' ? undefined : joined(before, made.schema))
      // What rules say of rows changes no column.
      isRules = true
      await made?.checkRules()
    } catch (error) {
      signal.throwIfAborted()
      if (!isRules) known.set(target, undefined)
      if (!isWrittenWrong(error)) continue
      found.set(stepId(flow), toProblem(error, flow.target))
    }
  }
  return found
}

/** Columns that a table keeps whatever its flow makes now: those of a table that is replaced whole do not stay. */
async function inLake({ lake, signal }: CheckRequest, flow: Flow): Promise<StructType | undefined> {
  if (isWhole(flow)) return undefined
  return (await readSnapshot(lake, { tablePath: tablePath(flow.target), signal }))?.schema
}

function joined(before: StructType | undefined, made: StructType): StructType {
  if (before === undefined) return made
  const names = new Set(before.fields.map(({ name }) => name.toLowerCase()))
  return { type: 'struct', fields: [...before.fields, ...made.fields.filter(f => !names.has(f.name.toLowerCase()))] }
}

/** Of anything else the run says more. */
const WRITTEN_WRONG: ReadonlySet<string> = new Set([FLOW_UNKNOWN_COLUMN.code, FLOW_SYNTAX.code, FLOW_NOT_PORTABLE.code])

function isWrittenWrong(error: unknown): boolean {
  const problems = error instanceof Problems ? error.problems : [error]
  return problems.every(one => one instanceof Problem && WRITTEN_WRONG.has(one.code))
}
