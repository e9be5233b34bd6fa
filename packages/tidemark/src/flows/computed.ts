/**
 * What a whole table was computed from, recorded in the commit that holds the result. While it is the same, computing
 * again would give the same rows.
 */
import { createHash } from 'node:crypto'
import type { Snapshot } from '@tidemark/delta'
import type { DerivedFlow, MaterializedViewFlow, TableName } from '../model/flow.ts'
import { isSameVersion, readVersionOf } from './put-back.ts'

/** Flows whose target is replaced as a whole. */
export type WholeFlow = MaterializedViewFlow | DerivedFlow

export type Inputs = ReadonlyMap<TableName, Snapshot>

interface DomainEntry {
  domain: string
  configuration: string
  removed?: boolean
}

const DOMAIN = 'tidemark.computed'

/**
 * What a whole table was computed from: a hash of the flow, and identity and version of every input. While it is the same,
 * computing again would give the same rows.
 */
interface Computed {
  definition: string
  /** Sorted by name. */
  inputs: readonly { table: string; id: string; version: string; committedAt?: number | undefined }[]
}

function computedFrom(flow: WholeFlow, inputs: Inputs): Computed {
  const versions = [...inputs].map(([table, snapshot]) => {
    const { version, committedAt } = readVersionOf(snapshot)
    return { table, id: snapshot.metaData.id, version: version.toString(), committedAt }
  })
  return { definition: definitionOf(flow), inputs: versions.sort((a, b) => (a.table < b.table ? -1 : 1)) }
}

function isSame(before: Computed, now: Computed): boolean {
  if (before.definition !== now.definition || before.inputs.length !== now.inputs.length) return false
  return now.inputs.every((input, i) => {
    const { table, id, version, committedAt } = before.inputs[i] ?? input
    const isSameTable = table === input.table && id === input.id
    const read = { version: BigInt(version), committedAt }
    return isSameTable && isSameVersion(read, { version: BigInt(input.version), committedAt: input.committedAt })
  })
}

function definitionOf(flow: WholeFlow): string {
  return createHash('sha256').update(JSON.stringify(flow, whatCounts)).digest('hex')
}

/** Where a flow stands in its file, and how its rows are kept, is no part of what it computes. */
function whatCounts(key: string, value: unknown): unknown {
  return key === 'place' || key === 'properties' ? undefined : value
}

/** True when the target is what these inputs give; never for a query with current_date() and kin. */
export function isComputed(flow: WholeFlow, inputs: Inputs, target: Snapshot | undefined): boolean {
  const computed = target?.domain(DOMAIN)
  if (computed === undefined || isVolatile(flow)) return false
  return isSame(JSON.parse(computed) as Computed, computedFrom(flow, inputs))
}

/** True for a view that depends on the time at which it is computed. */
export function isVolatile(flow: WholeFlow): boolean {
  return flow.kind === 'materialized view' && flow.query.volatile
}

/** True when the target was computed by another definition than the flow has now. */
export function isRedefined(flow: WholeFlow, target: Snapshot | undefined): boolean {
  const computed = target?.domain(DOMAIN)
  if (computed === undefined) return false
  return (JSON.parse(computed) as Computed).definition !== definitionOf(flow)
}

/** The domain entry of a commit that computed the whole table. */
export function computedDomain(flow: WholeFlow, inputs: Inputs): DomainEntry {
  return { domain: DOMAIN, configuration: JSON.stringify(computedFrom(flow, inputs)) }
}

/** True for a table whose rows a whole flow computed last; a stream into it has to begin anew. */
export function isWholeTable(target: Snapshot | undefined): boolean {
  return target?.domain(DOMAIN) !== undefined
}

/** The entry that ends the record, for the commit in which a stream takes the table over. */
export const noLongerComputed: DomainEntry = { domain: DOMAIN, configuration: '', removed: true }
