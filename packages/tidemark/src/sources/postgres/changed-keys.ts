/**
 * Changed keys collected from the messages of a log, table by table, in bounded memory; and up to where everything that
 * was listed is part of a snapshot.
 */
import type { LoggedRow, LogMessage } from './pgoutput.ts'

/** More keys than this are not remembered: reading the table is then cheaper than looking each of them up. */
const MAX_KEYS = 100_000
const MAX_KEY_BYTES = 32 * 1024 * 1024

/** A table whose keys are wanted. */
export interface WatchedTable {
  name: string
  key: readonly string[]
  /** Oids of the relations that hold its rows. */
  relations: readonly string[]
}

interface Collected {
  key: readonly string[]
  keys: Set<string>
  bytes: number
  /** Why the keys are not all known. */
  missing: string | undefined
}

/** Whether the snapshot sees what a transaction wrote. */
export type IsVisible = (xid: bigint) => boolean

export class ChangedKeys {
  readonly #byRelation = new Map<string, Collected>()
  readonly #byTable = new Map<string, Collected>()
  readonly #isVisible: IsVisible
  #unseen: bigint | undefined

  constructor(tables: readonly WatchedTable[], isVisible: IsVisible) {
    this.#isVisible = isVisible
    for (const { name, key, relations } of tables) {
      const collected: Collected = { key, keys: new Set(), bytes: 0, missing: undefined }
      this.#byTable.set(name, collected)
      for (const relation of relations) this.#byRelation.set(relation, collected)
    }
  }

  /** Where the commit of the first transaction begins that the snapshot does not see; undefined when it sees all. */
  get unseen(): bigint | undefined {
    return this.#unseen
  }

  take(message: LogMessage): void {
    switch (message.kind) {
      case 'begin':
        if (this.#unseen === undefined && !this.#isVisible(message.xid)) this.#unseen = message.at
        return
      case 'insert':
        return this.#add(message.relation, message.row)
      case 'update':
        this.#add(message.relation, message.row)
        return this.#addOld(message.relation, message.old ?? message.row, message.old !== undefined)
      case 'delete':
        return this.#addOld(message.relation, message.row, true)
      case 'truncate':
        for (const relation of message.relations) this.#giveUp(this.#byRelation.get(relation), 'it was truncated')
        return
      case 'commit':
      case 'other':
    }
  }

  /** The changed keys of a table, or why they are not all known. */
  of(table: string): { keys: readonly (readonly string[])[] } | { missing: string } {
    const collected = this.#byTable.get(table)
    if (collected === undefined) return { missing: 'it is not watched' }
    if (collected.missing !== undefined) return { missing: collected.missing }
    return { keys: [...collected.keys].map(key => JSON.parse(key) as string[]) }
  }

  /** The row before the change: without the whole key in the table's identity, an earlier key could be hidden. */
  #addOld(relation: string, row: LoggedRow, isTold: boolean): void {
    const collected = this.#byRelation.get(relation)
    if (collected === undefined) return
    if (!collected.key.every(column => row.identity.has(column))) {
      this.#giveUp(collected, 'its replica identity does not hold the key')
    } else if (isTold) this.#add(relation, row)
  }

  #add(relation: string, row: LoggedRow): void {
    const collected = this.#byRelation.get(relation)
    if (collected === undefined || collected.missing !== undefined) return
    const values = collected.key.map(column => row.value(column))
    if (!values.every(value => typeof value === 'string')) {
      return this.#giveUp(collected, 'a key is not in the log')
    }
    const key = JSON.stringify(values)
    if (collected.keys.has(key)) return
    collected.keys.add(key)
    collected.bytes += key.length
    if (collected.keys.size > MAX_KEYS || collected.bytes > MAX_KEY_BYTES) {
      this.#giveUp(collected, 'too many keys changed to look each of them up')
    }
  }

  #giveUp(collected: Collected | undefined, reason: string): void {
    if (collected === undefined) return
    collected.missing ??= reason
    collected.keys.clear()
  }
}
