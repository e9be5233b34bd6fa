/**
 * The text of a run's facts as values: what later code relies on is checked here, once, so that a damaged fact is a
 * reason to pass it over and never a surprise further on. Keys that are not known stay.
 */
import type { SourceFact, StepResult } from '../model/event.ts'
import type { WholeReading } from '../model/plan.ts'
import type { Ledger } from '../model/step.ts'
import type { RunEnd, RunStart } from './facts.ts'

type Json = Readonly<Record<string, unknown>>

/** The largest instant a Date can hold, in milliseconds. */
const LAST_INSTANT = 8.64e15

/** Throws a SyntaxError or TypeError for text that is no start of a run. */
export function parseRunStart(text: string): RunStart {
  const value = asObject(JSON.parse(text))
  assertTexts(value, ['runId', 'target'])
  assertInstants(value, ['startedAt'])
  return value as unknown as RunStart
}

/** Throws a SyntaxError or TypeError for text that is no end of a run. */
export function parseRunEnd(text: string): RunEnd {
  const value = asObject(JSON.parse(text))
  assertTexts(value, ['runId', 'status', 'target'])
  assertInstants(value, ['startedAt', 'endedAt'])
  if (!Array.isArray(value['steps'])) throw new TypeError('steps must be a list')
  return { ...(value as unknown as RunEnd), steps: value['steps'].map(reviveStep) }
}

function reviveStep(value: unknown): StepResult {
  const json = asObject(value)
  assertTexts(json, ['step', 'kind', 'table', 'status'])
  assertInstants(json, ['startedAt'])
  const step = json as unknown as StepResult
  const version = (of: unknown): bigint | undefined => (of === undefined ? undefined : BigInt(String(of)))
  return {
    ...step,
    versionBefore: version(step.versionBefore),
    versionAfter: version(step.versionAfter),
    ledger: step.ledger === undefined ? undefined : reviveLedger(step.ledger),
    ...(step.source == null ? {} : { source: reviveSource(asObject(step.source)) }),
  }
}

function reviveSource(value: Json): SourceFact {
  const source = value as unknown as SourceFact
  if (source.whole == null) return { ...source, whole: undefined }
  const { reading, bytes } = asObject(source.whole)
  return { ...source, whole: { reading: String(reading) as WholeReading['reading'], bytes: BigInt(String(bytes)) } }
}

function reviveLedger(value: unknown): Ledger {
  const ledger = asObject(value)
  const counts = Object.entries(ledger).map(([key, of]) => [key, key === 'kind' ? of : BigInt(String(of))])
  // Runs of older versions counted what silver changes left out as quarantined.
  return { ...(ledger['kind'] === 'append' ? { filtered: 0n } : {}), ...Object.fromEntries(counts) } as Ledger
}

function asObject(value: unknown): Json {
  if (typeof value !== 'object' || value === null) throw new TypeError('it is not an object')
  return value as Json
}

function assertTexts(value: Json, keys: readonly string[]): void {
  for (const key of keys) if (typeof value[key] !== 'string') throw new TypeError(`${key} must be text`)
}

function assertInstants(value: Json, keys: readonly string[]): void {
  for (const key of keys) {
    const of = value[key]
    if (!Number.isSafeInteger(of) || Math.abs(of as number) > LAST_INSTANT)
      throw new TypeError(`${key} must be an instant`)
  }
}
