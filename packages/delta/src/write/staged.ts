/**
 * Staged: a decided change as a plain value, with everything its commit will say.
 */

import { DeltaError } from '../errors.ts'
import type { AddFile, DataFile, DomainMetadata, MetaData, Protocol, Txn } from '../log/actions.ts'
import type { Snapshot } from '../snapshot/snapshot.ts'
import type { CheckedRows } from './check-rows.ts'
import { type Reads, STRICT } from './reads.ts'

/** What a commit says about itself, for people and for the table's history. */
export interface CommitDetails {
  /** In Spark's words where one fits: WRITE, MERGE, CREATE TABLE … */
  operation: string
  operationParameters?: Readonly<Record<string, string>>
  /** Counts as text. */
  operationMetrics?: Readonly<Record<string, string>>
  userMetadata?: string
  engineInfo?: string
  runId?: string
}

/** A domain to set, or to remove. */
export interface DomainChange {
  domain: string
  configuration: string
  removed?: boolean
}

/** What every commit may carry beside its files. */
export interface Extras {
  txn?: readonly Txn[] | undefined
  domains?: readonly DomainChange[] | undefined
  /** Features the table is to have from this commit on; the protocol is raised as far as they need. */
  features?: readonly string[] | undefined
  /** Files of the rows that were changed, for a table with a change data feed; see `needsChangeFiles`. */
  cdc?: readonly DataFile[] | undefined
  /** What `checkRows` found the new rows to fulfil; needed where the table demands something of rows. */
  checked?: CheckedRows | undefined
  /** What the change was decided on; when left out, no other commit may come between. */
  reads?: Reads | undefined
  info: CommitDetails
}

/** A new table's metaData; its id is given when it is committed. */
export type NewMetaData = Omit<MetaData, 'id' | 'createdTime'>

export interface Staged {
  readonly tablePath: string
  /** The snapshot this was decided on; undefined for a new table. The commit's version is the next one. */
  readonly base: Snapshot | undefined
  readonly protocol: Protocol | undefined
  readonly metaData: MetaData | NewMetaData | undefined
  readonly add: readonly DataFile[]
  readonly remove: readonly AddFile[]
  /** Change data files of the commit; when there are any, they are all of its changes. */
  readonly cdc: readonly DataFile[]
  readonly dataChange: boolean
  readonly txn: readonly Txn[]
  readonly domains: readonly DomainMetadata[]
  readonly reads: Reads
  readonly info: CommitDetails
}

/** What a table obliges its writers to. */
export interface TableRules {
  readonly protocol: Protocol
  readonly configuration: Readonly<Record<string, string>>
}

/** The rules from a staged change on, when it is committed right after `current`. */
export function rulesOf(staged: Staged, current: Snapshot | undefined): TableRules {
  const protocol = staged.protocol ?? current?.protocol
  const configuration = (staged.metaData ?? current?.metaData)?.configuration
  if (protocol === undefined || configuration === undefined) throw stageInvalid(staged.tablePath, 'it creates no table')
  return { protocol, configuration }
}

/** Complete a staged change; throws STAGE_INVALID when a domain or appId is named twice. */
export function buildStaged(
  tablePath: string,
  base: Snapshot | undefined,
  extras: Extras,
  parts: Partial<Staged>,
): Staged {
  const given = (extras.domains ?? []).map(change => withLastConfiguration(base, change))
  const domains = [...(parts.domains ?? []), ...given]
  const txn = extras.txn ?? []
  refuseTwice(
    tablePath,
    'domain',
    domains.map(d => d.domain),
  )
  refuseTwice(
    tablePath,
    'appId',
    txn.map(t => t.appId),
  )
  return {
    tablePath,
    base,
    protocol: undefined,
    metaData: undefined,
    add: [],
    remove: [],
    cdc: [],
    dataChange: true,
    ...parts,
    txn,
    domains,
    reads: extras.reads ?? STRICT,
    info: extras.info,
  }
}

/** A domain that is removed keeps on record what it said last. */
function withLastConfiguration(base: Snapshot | undefined, change: DomainChange): DomainChange {
  if (change.removed !== true) return change
  return { ...change, configuration: base?.domain(change.domain) ?? change.configuration }
}

/** The protocol allows one action for each domain and appId in a commit. */
function refuseTwice(tablePath: string, what: string, names: readonly string[]): void {
  const twice = names.find((name, i) => names.indexOf(name) !== i)
  if (twice !== undefined) throw stageInvalid(tablePath, `the ${what} ${twice} is set twice`)
}

/** The error for a change that contradicts its table. */
export function stageInvalid(tablePath: string, reason: string): DeltaError {
  return new DeltaError('STAGE_INVALID', `A change of ${tablePath} cannot be staged: ${reason}.`, { tablePath, reason })
}
