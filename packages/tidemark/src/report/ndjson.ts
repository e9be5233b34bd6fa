/** Run events as NDJSON, one line an event: the contract of `--events` (docs/reference/events.md). Pure. */
import type { RunEvent, StepResult } from '../model/event.ts'
import { isoInstant } from '../model/instant.ts'
import { printJson } from './json.ts'

/**
 * One event as one line with its newline. Keys are the model's; instants (`at`, `startedAt`) are ISO 8601 UTC,
 * 64-bit counts are text, and what is not known is null.
 */
export function printEvent(event: RunEvent): string {
  return `${printJson(eventJson(event))}\n`
}

/** A step's result in the form that events, `run --json` and `runs --json` share. */
export function resultJson(result: StepResult): Record<string, unknown> {
  return {
    ...result,
    startedAt: isoInstant(result.startedAt),
    asOf: result.asOf,
    blockedBy: result.blockedBy ?? [],
    source: result.source ?? null,
  }
}

function eventJson(event: RunEvent): Record<string, unknown> {
  const at = isoInstant(event.at)
  switch (event.kind) {
    case 'run started':
      return { ...event, at, steps: event.steps.map(({ id, kind, planned }) => ({ id, kind, planned })) }
    case 'step finished':
      return { ...event, at, result: resultJson(event.result) }
    case 'run finished':
      return { ...event, at, results: event.results.map(resultJson) }
    default:
      return { ...event, at }
  }
}
