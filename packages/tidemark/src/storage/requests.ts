/** Requests of one store: each limited in time, counted, and made again where that may help, with a login made anew where that may. */
import type { BlobService, RequestOptions } from './blob-service.ts'
import { StorageFault } from './fault.ts'
import { Retry, type RetryBudget, type RetryPorts } from './retry.ts'
import { UsageCounter } from './usage.ts'

/** A request without its whole answer by then is given up and asked again. */
const REQUEST_MS = 120_000

export interface RequestLimits {
  readonly requestMs?: number
  readonly budget?: RetryBudget
}

export interface AskOptions {
  readonly signal?: AbortSignal | undefined
  readonly sentBytes?: number | undefined
  readonly onFault?: (fault: StorageFault) => void
}

export class Requests {
  readonly service: BlobService
  readonly usage: UsageCounter = new UsageCounter()
  readonly #retry: Retry
  readonly #requestMs: number

  constructor(service: BlobService, ports: RetryPorts, { requestMs = REQUEST_MS, budget }: RequestLimits = {}) {
    this.service = service
    this.#retry = new Retry(ports, budget)
    this.#requestMs = requestMs
  }

  /** @param work one request; it rejects with a StorageFault, or with the reason of the caller's signal */
  async ask<T>(work: (request: RequestOptions) => Promise<T>, options: AskOptions = {}): Promise<T> {
    const { signal, sentBytes = 0, onFault } = options
    const attempt = async (): Promise<T> => {
      const limit = AbortSignal.timeout(this.#requestMs)
      this.usage.sent(sentBytes)
      try {
        return await work({ signal: signal === undefined ? limit : AbortSignal.any([signal, limit]) })
      } catch (error) {
        signal?.throwIfAborted()
        const code = `no whole answer in ${this.#requestMs / 1000} s`
        throw limit.aborted ? new StorageFault('unknown', { code }) : error
      }
    }
    const onRetry = (pauseMs: number, fault: StorageFault): void => {
      this.usage.retried(pauseMs)
      if (fault.kind === 'stale') this.service.renewLogin()
    }
    return await this.#retry.run(attempt, { signal, onFault, onRetry })
  }
}
