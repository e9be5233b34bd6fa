/**
 * The connections that read one exported snapshot side by side: a few readers, opened when needed, and the keeper, whose
 * transaction holds the snapshot and the locks.
 */
import { Problem } from '../../errors/problem.ts'
import { type Sql, sql, text } from '../../engine/sql.ts'
import { LOCK_NOT_AVAILABLE, sqlstateOf } from './driver-error.ts'
import type { PostgresSession } from './session.ts'
import { Turnstile } from '../turnstile.ts'

export interface ReadersOptions {
  /** Readers at most. */
  limit: number
  open: (signal: AbortSignal) => Promise<PostgresSession>
  /** The session whose transaction exported the snapshot. */
  keeper: PostgresSession
  /** As `pg_export_snapshot` named it; valid while the keeper's transaction is open. */
  snapshot: string
}

/** A session to read with, until it is given back. */
export interface Lease {
  session: PostgresSession
  /** A session whose work failed is of no more use. */
  giveBack: (outcome: 'reusable' | 'broken') => Promise<void>
}

/** A session outside the snapshot that takes the place of a reader until it is disposed of. */
export interface SessionBeside extends AsyncDisposable {
  session: PostgresSession
}

/** Room for a connection. */
export interface Place {
  leave: () => void
}

const SAVEPOINT = 'tidemark_read'

export class Readers {
  readonly #options: ReadersOptions
  readonly #idle: PostgresSession[] = []
  readonly #all = new Set<PostgresSession>()
  readonly #places: Turnstile
  readonly #keeperPlace = new Turnstile(1)
  /** Connections of somebody else that have a place. */
  #others = 0
  #closed = false

  constructor(options: ReadersOptions) {
    this.#options = options
    this.#places = new Turnstile(options.limit)
  }

  /**
   * A session inside the snapshot that can read what `lock` locks. A migration that waits for the keeper's lock makes
   * newcomers queue behind it, and would wait for ever if they waited; then the keeper reads the table itself.
   */
  async acquire(lock: Sql | undefined, signal: AbortSignal): Promise<Lease> {
    await this.#places.enter(signal)
    let session: PostgresSession | undefined
    try {
      session = this.#idle.pop() ?? (await this.#open(signal))
      if (lock === undefined || (await hasLocked(session, lock, signal))) return this.#leaseReader(session)
      await this.#giveBack(session, 'reusable')
    } catch (error) {
      await this.#giveBack(session, 'broken')
      throw error
    }
    return await this.acquireKeeper(signal)
  }

  /** The keeper; waits until nobody reads with it. */
  async acquireKeeper(signal: AbortSignal): Promise<Lease> {
    await this.#keeperPlace.enter(signal)
    const session = this.#options.keeper
    try {
      // An error would end the transaction, and the snapshot with it.
      await session.savepoint(SAVEPOINT, signal)
    } catch (error) {
      this.#keeperPlace.leave()
      throw error
    }
    const giveBack = async (): Promise<void> => {
      try {
        if (!session.interrupted) await session.rollbackTo(SAVEPOINT)
      } finally {
        this.#keeperPlace.leave()
      }
    }
    return { session, giveBack }
  }

  /** A session of its own, for what the snapshot does not show; never more connections than there are places. */
  async openBeside(signal: AbortSignal): Promise<SessionBeside> {
    const place = await this.takePlace(signal)
    try {
      const session = await this.#openSession(signal)
      const leave = async (): Promise<void> => {
        await session.close()
        place.leave()
      }
      return { session, [Symbol.asyncDispose]: leave }
    } catch (error) {
      place.leave()
      throw error
    }
  }

  /** Room for a connection that somebody else opens, until it is left. */
  async takePlace(signal: AbortSignal): Promise<Place> {
    await this.#places.enter(signal)
    return await this.#placeOfOthers()
  }

  /**
   * One place, waited for, and more up to `most` as far as they are free then: who waited for a second with the first in hand
   * could wait for another that does the same.
   */
  async takePlaces(most: number, signal: AbortSignal): Promise<readonly [Place, ...Place[]]> {
    const first = await this.takePlace(signal)
    const more: Place[] = []
    try {
      while (more.length + 1 < most && this.#places.tryEnter()) more.push(await this.#placeOfOthers())
      return [first, ...more]
    } catch (error) {
      for (const place of [first, ...more]) place.leave()
      throw error
    }
  }

  /** Close all connections; what still reads fails. */
  async close(): Promise<void> {
    this.#closed = true
    const idle = new Set(this.#idle.splice(0))
    for (const session of this.#all) if (!idle.has(session)) session.interrupt()
    await Promise.all([...this.#all].map(session => session.close()))
    this.#all.clear()
    await this.#options.keeper.close()
  }

  async #placeOfOthers(): Promise<Place> {
    const leave = (): void => {
      this.#others -= 1
      this.#places.leave()
    }
    try {
      this.#others += 1
      const idle = this.#all.size + this.#others > this.#options.limit ? this.#idle.pop() : undefined
      if (idle !== undefined) {
        this.#all.delete(idle)
        await idle.close()
      }
      return { leave }
    } catch (error) {
      leave()
      throw error
    }
  }

  #leaseReader(session: PostgresSession): Lease {
    return { session, giveBack: outcome => this.#giveBack(session, outcome) }
  }

  async #giveBack(session: PostgresSession | undefined, outcome: 'reusable' | 'broken'): Promise<void> {
    this.#places.leave()
    if (session === undefined) return
    if (outcome === 'reusable' && !this.#closed) {
      this.#idle.push(session)
      return
    }
    this.#all.delete(session)
    await session.close()
  }

  /** A session with the keeper's server: an address may lead to several. */
  async #openSession(signal: AbortSignal): Promise<PostgresSession> {
    const session = await this.#options.open(signal)
    try {
      session.assertBeside(this.#options.keeper)
      return session
    } catch (error) {
      await session.close()
      throw error
    }
  }

  async #open(signal: AbortSignal): Promise<PostgresSession> {
    if (this.#closed) throw new TypeError('this is a bug in tidemark: the snapshot is closed')
    const session = await this.#openSession(signal)
    this.#all.add(session)
    try {
      await session.begin(signal)
      await session.query(sql`SET TRANSACTION SNAPSHOT ${text(this.#options.snapshot)}`, { signal })
      await session.prove(signal)
      return session
    } catch (error) {
      this.#all.delete(session)
      await session.close()
      throw error
    }
  }
}

/** False when somebody waits in front of us. Any other refusal is left to the read itself, which says more. */
async function hasLocked(session: PostgresSession, lock: Sql, signal: AbortSignal): Promise<boolean> {
  await session.savepoint(SAVEPOINT, signal)
  try {
    await session.query(sql`${lock} NOWAIT`, { signal })
    await session.release(SAVEPOINT, signal)
    return true
  } catch (error) {
    if (!(error instanceof Problem) || session.interrupted) throw error
    await session.rollbackTo(SAVEPOINT, signal)
    return sqlstateOf(error) !== LOCK_NOT_AVAILABLE
  }
}
