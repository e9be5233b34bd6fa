/**
 * StorageFault: what a store in the cloud answered, in the few kinds that decide what happens next. It carries a status and
 * a code and never a client's own error, whose address may be signed.
 */

export type FaultKind =
  /** The object does not exist. */
  | 'missing'
  /** An object of that name exists, so it was not created. */
  | 'exists'
  /** Somebody else's lease is on the object, or the one that was named is none of its. */
  | 'held'
  /** The container or bucket does not exist. */
  | 'nowhere'
  /** The request never left: name not found, connection refused. */
  | 'unsent'
  /** No credential could be had, so nothing was sent. */
  | 'login'
  /** The store does not accept the login: expired, revoked, wrong, or signed by a wrong clock. One made anew may do. */
  | 'stale'
  /** The store refused it for what it is; the same request is refused again. */
  | 'refused'
  /** The store has no time now. Whether it did the work is not known. */
  | 'busy'
  /** Somebody else is changing the same object right now; it was not done. */
  | 'contended'
  /** No whole answer came. Whether it was done is not known. */
  | 'unknown'

export interface FaultFacts {
  readonly status?: number | undefined
  /** Name that the service or the network gives the error. */
  readonly code: string
  /** How long the store asks to be left alone. */
  readonly retryAfterMs?: number | undefined
  /** How much the clock here is ahead of the store's. */
  readonly clockAheadMs?: number | undefined
}

export class StorageFault extends Error {
  override readonly name = 'StorageFault'
  readonly kind: FaultKind
  readonly status: number | undefined
  readonly code: string
  readonly retryAfterMs: number | undefined
  readonly clockAheadMs: number | undefined

  constructor(kind: FaultKind, { status, code, retryAfterMs, clockAheadMs }: FaultFacts) {
    super(status === undefined || status === 0 ? code : `${code}, HTTP ${status}`)
    this.kind = kind
    this.status = status
    this.code = code
    this.retryAfterMs = retryAfterMs
    this.clockAheadMs = clockAheadMs
  }
}

/** True for what may be different the next time. */
export function isPassing({ kind }: StorageFault): boolean {
  return /^(unsent|stale|busy|contended|unknown)$/.test(kind)
}

/** True when the request may have been done all the same. */
export function isOpen({ kind }: StorageFault): boolean {
  return kind === 'busy' || kind === 'unknown'
}

const UNSENT: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EADDRNOTAVAIL',
])
/** A server that cannot prove who it is gets no request; asking again changes nothing. */
const UNTRUSTED = /CERT|^ERR_TLS|SELF_SIGNED|UNABLE_TO_VERIFY|^ERR_SSL/

/** The fault behind an error of the network, by its code alone. */
export function networkFault(error: unknown): StorageFault {
  const code = findCode(error) ?? (error instanceof Error ? error.name : 'Error')
  if (UNTRUSTED.test(code)) return new StorageFault('refused', { code })
  return new StorageFault(UNSENT.has(code) ? 'unsent' : 'unknown', { code })
}

/** The fault behind an answer that is no success. */
export function answerFault(facts: FaultFacts & { status: number }): StorageFault {
  const { status } = facts
  // A success that could not be understood.
  if (status < 400) return new StorageFault('unknown', facts)
  const isBusy = status === 408 || status === 429 || status >= 500
  return new StorageFault(isBusy ? 'busy' : 'refused', facts)
}

/** Every store tells the version of what it wrote; what does not is no store but something on the way to it. */
export function checkWritten(etag: string | undefined): string {
  if (etag === undefined) throw new StorageFault('unknown', { code: 'an answer that is not that of a store' })
  return etag
}

/** How much the clock of `now` is ahead of the one that wrote an answer's `Date`. */
export function parseClockAhead(date: string | undefined, now: number): number | undefined {
  const at = Date.parse(date ?? '')
  return Number.isNaN(at) ? undefined : now - at
}

/** `Retry-After` and its kin: seconds, or a date by the clock of `now`. */
export function parseRetryAfter(text: string | undefined, now: number): number | undefined {
  if (text === undefined || text.trim() === '') return undefined
  if (/^\d+$/.test(text.trim())) return Number(text) * 1000
  const at = Date.parse(text)
  return Number.isNaN(at) ? undefined : Math.max(0, at - now)
}

function findCode(error: unknown): string | undefined {
  for (let at: unknown = error; at instanceof Error; at = at.cause) {
    const [first] = at instanceof AggregateError ? (at.errors as unknown[]) : []
    const inner = first === undefined ? undefined : findCode(first)
    if (inner !== undefined) return inner
    if ('code' in at && typeof at.code === 'string' && at.code !== 'REQUEST_SEND_ERROR') return at.code
  }
  return undefined
}
