/** Run events as NDJSON, one line an event: the contract of `--events` (docs/reference/events.md). Pure. */
import type { AnnouncedStep, ProblemFact, RunEvent, SourceFact, StepResult } from '../model/event.ts'
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
  const { step, kind, table, status, ledger, versionBefore, versionAfter, startedAt, durationMs } = result
  const { reason, blockedBy = [], problem, asOf, source, warnings } = result
  const counted = { step, kind, table, status, ledger, versionBefore, versionAfter }
  const told = { reason, blockedBy, problem: problemJson(problem), asOf, source: sourceJson(source), warnings }
  return { ...counted, startedAt: isoInstant(startedAt), durationMs, ...told }
}

function announcedJson({ id, kind, planned, estimate }: AnnouncedStep): AnnouncedStep {
  return { id, kind, planned, estimate }
}

/** With every key, also of a step whose fact was written when one of them was not known yet. */
function sourceJson(source: SourceFact | undefined): SourceFact | undefined {
  if (source === undefined) return undefined
  const { name, guarantee, method, position, whole } = source
  return { name, guarantee, method, position, whole }
}

/** A problem with every key, also one that was read back from a fact, where what is not known was left out. */
export function problemJson(problem: ProblemFact | undefined): Record<string, unknown> | undefined {
  if (problem === undefined) return undefined
  const { code, title, message, hint, place } = problem
  return { code, title, message, hint, place }
}

function eventJson(event: RunEvent): Record<string, unknown> {
  const at = isoInstant(event.at)
  switch (event.kind) {
    case 'run started':
      return { ...event, at, steps: event.steps.map(announcedJson) }
    case 'step finished': {
      const { state: _told, ...kept } = event
      return { ...kept, at, result: resultJson(event.result) }
    }
    case 'step progress':
      return { ...event, at, expectedRows: event.expectedRows, parts: event.parts, held: event.held }
    case 'run finished':
      return {
        ...event,
        at,
        results: event.results.map(resultJson),
        problem: problemJson(event.problem),
        storage: event.storage,
      }
    default:
      return { ...event, at }
  }
}
