/**
 * An ObjectStore that fails exactly one of its calls: before it takes effect, after it did, or by hanging. Rerun a
 * scenario with call 1, 2, 3 … until `fired` stays false, and every place a store can fail at has been visited.
 */
import type { ObjectStore, StoredObject, StoreOptions } from '../../src/index.ts'
import { collect } from './collect.ts'

export interface FaultPlan {
  /** Which call fails, counting from 1 over all methods but `locate`. */
  call: number
  /** `hang` waits until the call's own signal, or `signal` below, aborts; the call never takes effect. */
  mode: 'before' | 'after' | 'hang'
  /** Ends a hang of a call that was given no signal: the store's own time limit. */
  signal?: AbortSignal
  /** Called when the fault begins; a test of `hang` aborts from here. */
  onFault?: () => void
}

export interface FaultyStore extends ObjectStore {
  /** Calls so far. */
  readonly calls: number
  /** True once the planned call was reached. */
  readonly fired: boolean
}

export function faultyStore(inner: ObjectStore, plan: FaultPlan): FaultyStore {
  const state = { calls: 0, fired: false }
  const guard = async <T>(work: () => Promise<T>, options?: StoreOptions): Promise<T> => {
    state.calls += 1
    if (state.calls !== plan.call) return work()
    state.fired = true
    if (plan.mode === 'hang') return hang([options?.signal, plan.signal], plan.onFault)
    plan.onFault?.()
    if (plan.mode === 'after') await work()
    throw new Error(`the store failed ${plan.mode} call ${plan.call} took effect`)
  }
  return {
    get calls() {
      return state.calls
    },
    get fired() {
      return state.fired
    },
    get: (path, options) => guard(() => inner.get(path, options), options),
    putIfAbsent: (path, bytes, options) => guard(() => inner.putIfAbsent(path, bytes, options), options),
    put: (path, bytes, options) => guard(() => inner.put(path, bytes, options), options),
    putFile: (path, localFile, options) => guard(() => inner.putFile(path, localFile, options), options),
    async *list(prefix, options): AsyncGenerator<StoredObject> {
      const found = await guard(async () => collect(inner.list(prefix, options)))
      yield* found
    },
    delete: path => guard(() => inner.delete(path)),
    locate: path => inner.locate(path),
  }
}

function hang(signals: readonly (AbortSignal | undefined)[], onFault: (() => void) | undefined): Promise<never> {
  return new Promise((_resolve, reject) => {
    for (const signal of signals) {
      if (signal?.aborted) reject(signal.reason)
      signal?.addEventListener('abort', () => reject(signal.reason), { once: true })
    }
    onFault?.()
  })
}
