/** Finished runs and alert settings for tests. */
import type { AlertHistory, FinishedRun } from '../../packages/tidemark/src/alerts/rules.ts'
import type { StepResult } from '../../packages/tidemark/src/model/event.ts'
import type { AlertChannelConfig, AlertConfig, AlertRule } from '../../packages/tidemark/src/model/project.ts'

const place = { file: 'tidemark.yml', line: 1, column: 1 }

export const runEnd: number = Date.UTC(2026, 10, 22, 12, 0, 3)

export function stepResult(step: string, status: StepResult['status'], more: Partial<StepResult> = {}): StepResult {
  const problem =
    status === 'failed'
      ? {
          code: 'SOURCE_TABLE_MISSING',
          title: 'Gone.',
          message: `${step} is gone.`,
          hint: 'Bring it back.',
          place: 'a.json:3:5',
        }
      : undefined
  return {
    step,
    kind: 'extract',
    table: step,
    status,
    ledger: undefined,
    versionBefore: undefined,
    versionAfter: undefined,
    startedAt: runEnd - 1000,
    durationMs: 1000,
    reason: undefined,
    problem,
    warnings: [],
    ...more,
  }
}

export function finishedRun(results: readonly StepResult[], more: Partial<FinishedRun> = {}): FinishedRun {
  const status = results.some(one => one.status === 'failed') ? 'failed' : 'succeeded'
  return {
    runId: '20261122T120003Z-4f1c2a',
    pipeline: 'music',
    target: 'prod',
    status,
    finishedAt: runEnd,
    results,
    ...more,
  }
}

export const hook: Extract<AlertChannelConfig, { kind: 'webhook' }> = {
  kind: 'webhook',
  name: 'hook',
  url: 'https://hooks.example.org/x',
  sign: undefined,
  allowPrivate: false,
  place,
}
export const mail: Extract<AlertChannelConfig, { kind: 'email' }> = {
  kind: 'email',
  name: 'mail',
  from: 'Tidemark <lake@example.org>',
  to: ['ann@example.org', 'bob@example.org'],
  smtp: 'smtp://127.0.0.1',
  place,
}

/** What was failing before a run, of which nobody was told. */
export function failingBefore(failedBefore: AlertHistory['failedBefore']): AlertHistory {
  return { failedBefore, told: new Map() }
}

export function alertConfig(
  rules: readonly (Pick<AlertRule, 'on' | 'send'> & Partial<AlertRule>)[],
  channels: readonly AlertChannelConfig[] = [hook, mail],
): AlertConfig {
  return { channels, rules: rules.map(rule => ({ repeatAfterMs: undefined, place, ...rule })) }
}
