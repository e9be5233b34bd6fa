import { describe, expect, test } from 'vitest'
import { stepResult } from '../../../../test/support/alerts.ts'
import { finishedWith, runStart, silverResult, userResult } from '../../../../test/support/events.ts'
import type { StepResult } from '../model/event.ts'
import { ledgerText } from './ledger-text.ts'
import { countText, durationText, plural, rateText } from './numbers.ts'
import { nextLine, renderSummary } from './summary.ts'

const options = { colour: false, width: 120, startedAt: runStart }

describe('the summary', () => {
  test('of a good run shows each ledger and where to look next', () => {
    expect(renderSummary(finishedWith(userResult, silverResult), options)).toBe(
      [
        'bronze.DimUser  done       read 570 = inserted 500 + duplicate 70; deletes 2  1.0 s',
        'silver.DimUser  done       read 500 = inserted 400 + updated 90 + deleted 7 + quarantined 3; stale by rule 1  1 min 04 s',
        '',
        'warning: silver.DimUser: rule valid_id rejected 3 rows',
        '',
        'run 20261122T120003Z-4f1c2a succeeded in 3.0 s; 2 steps: 2 changed; 3 rows quarantined',
        'next: tidemark quarantine list shows the rejected rows and why',
      ].join('\n'),
    )
  })

  test('of a failed run shows the problem, its way out and what was skipped', () => {
    const failed = stepResult('bronze.DimTrack', 'failed')
    const skipped = stepResult('silver.DimTrack', 'skipped', { reason: 'bronze.DimTrack failed' })
    expect(renderSummary(finishedWith(failed, skipped), options)).toBe(
      [
        'bronze.DimTrack  failed     SOURCE_TABLE_MISSING: Gone.  1.0 s',
        'silver.DimTrack  skipped    bronze.DimTrack failed',
        '',
        'error SOURCE_TABLE_MISSING: Gone.',
        '  bronze.DimTrack',
        '  a.json:3:5',
        '  bronze.DimTrack is gone.',
        '  hint: Bring it back.',
        '',
        'run 20261122T120003Z-4f1c2a failed in 3.0 s; 2 steps: 1 failed, 1 skipped',
        'next: tidemark explain SOURCE_TABLE_MISSING; then tidemark run again: what is done is kept, the rest continues',
      ].join('\n'),
    )
  })

  test('tells a problem that many steps share once, with some of their names', () => {
    const problem = { code: 'SOURCE_UNREACHABLE', title: 'Away.', message: 'No answer.', hint: 'Call.', place: 'a:1:1' }
    const failed = [1, 2, 3, 4, 5, 6, 7].map(n => stepResult(`bronze.t${n}`, 'failed', { problem }))
    const text = renderSummary(finishedWith(...failed, stepResult('bronze.u', 'failed')), { ...options, steps: false })
    expect(text.match(/^error .*$/gm)).toEqual(['error SOURCE_UNREACHABLE: Away.', 'error SOURCE_TABLE_MISSING: Gone.'])
    expect(text).toContain(
      '  bronze.t1, bronze.t2, bronze.t3, bronze.t4, bronze.t5 and 2 more steps\n  a:1:1\n  No answer.',
    )
  })

  test('says after the way out what is written, once for steps of which that is the same', () => {
    const problem = { code: 'A_B', title: 'x', message: 'Why.', hint: 'Call.', place: undefined }
    const failed = [1, 2, 3].map(n => stepResult(`bronze.t${n}`, 'failed', { problem }))
    const states = new Map(failed.map(({ step }) => [step, 'Nothing was written.']))
    const text = renderSummary(finishedWith(...failed), { ...options, states })
    expect(text).toContain('  Why.\n  hint: Call.\n  Nothing was written.\n\n')
  })

  test('keeps every step on one line of a narrow terminal', () => {
    const lines = renderSummary(finishedWith(userResult, silverResult), { ...options, width: 40 }).split('\n')
    expect(lines[0]).toBe('bronze.DimUser  done       read 570 = i…')
  })

  test('counts a rejected row once, where it was put aside', () => {
    const silver = { read: 3n, inserted: 2n, updated: 0n, superseded: 0n, duplicate: 0n, deleted: 0n, filtered: 0n }
    const changes = { kind: 'append' as const, read: 3n, inserted: 2n, filtered: 1n, quarantined: 0n, warned: 0n }
    const text = renderSummary(
      finishedWith(
        stepResult('silver.t', 'changed', {
          ledger: { kind: 'silver', ...silver, quarantined: 1n, staleByRule: 0n, warned: 0n },
        }),
        stepResult('silver.t_changes', 'changed', { ledger: changes }),
      ),
      options,
    )
    expect(text).toContain('; 1 row quarantined')
  })

  test('never shows control characters of names and messages', () => {
    const problem = { code: 'A_B', title: 'x', message: 'a\u001b[2Jb', hint: undefined, place: undefined }
    const text = renderSummary(finishedWith(stepResult('bronze.\u001b[31mx', 'failed', { problem })), options)
    expect(text).not.toContain('\u001b')
    expect(text).toContain('  ab')
  })

  test('says that nothing is left to do when nothing changed', () => {
    expect(nextLine('succeeded', [stepResult('bronze.a', 'unchanged')])).toContain('nothing to do')
    expect(nextLine('cancelled', [])).toContain('run again')
    expect(nextLine('succeeded', [])).toContain('add tables')
  })

  test('calls the lake equal only where all of it was looked at, and more than a cursor', () => {
    const unchanged = (guarantee: string): StepResult =>
      stepResult('bronze.a', 'unchanged', { source: { name: 'app', guarantee, method: '', position: '' } })
    const silver = stepResult('silver.a', 'unchanged', { kind: 'silver' })
    const next = (...results: StepResult[]): string => nextLine('succeeded', [...results, silver])
    expect(next(unchanged('A'))).toBe('next: nothing to do: the lake equals what the sources had')
    expect(next(unchanged('A'), unchanged('B'))).toBe('next: nothing to do: nothing new was found in the sources')
    expect(nextLine('succeeded', [silver], { isPart: true })).toBe(
      'next: nothing to do: nothing is new in the selected tables',
    )
  })

  test('of work on bronze alone leaves silver and gold to the next run, and says no more than was looked at', () => {
    const [changed, unchanged] = [stepResult('bronze.a', 'changed'), stepResult('bronze.a', 'unchanged')]
    expect(nextLine('succeeded', [changed], { work: 'backfill' })).toBe(
      'next: tidemark run carries the rows on to silver and gold',
    )
    expect(nextLine('succeeded', [unchanged], { work: 'backfill' })).toBe(
      'next: nothing to do: bronze has every row of the range',
    )
    expect(nextLine('succeeded', [changed, unchanged], { work: 'repair' })).toContain(
      'tidemark run carries the corrections on',
    )
    expect(nextLine('succeeded', [unchanged], { work: 'repair' })).toContain('nothing to correct')
    expect(nextLine('cancelled', [unchanged], { work: 'repair' })).toBe('next: the same command again')
    expect(nextLine('failed', [stepResult('bronze.a', 'failed')], { work: 'backfill' })).toBe(
      'next: tidemark explain SOURCE_TABLE_MISSING; then the same command again',
    )
  })
})

test('a ledger names the buckets that hold rows', () => {
  const none = { kind: 'append', read: 0n, inserted: 0n, filtered: 0n, quarantined: 0n, warned: 0n } as const
  expect(ledgerText(none)).toBe('read 0')
  expect(ledgerText({ ...none, read: 3n, inserted: 2n, filtered: 1n })).toBe('read 3 = inserted 2 + filtered 1')
  expect(ledgerText({ kind: 'auto cdc', read: 1234n, applied: 1230n, ignored: 4n, quarantined: 0n, warned: 2n })).toBe(
    'read 1,234 = applied 1,230 + ignored 4; warned 2',
  )
  expect(ledgerText({ kind: 'materialized view', rowsIn: 10n, rowsOut: 3n, quarantined: 1n, warned: 0n })).toBe(
    'rows in 10, rows out 3; quarantined 1',
  )
})

test('numbers read as people write them', () => {
  expect([0n, 999n, 1000n, 9007199254740993n].map(countText)).toEqual(['0', '999', '1,000', '9,007,199,254,740,993'])
  expect([0, 49, 59_949, 59_950, 125_000, 3_720_000].map(durationText)).toEqual([
    '0.0 s',
    '0.0 s',
    '59.9 s',
    '1 min 00 s',
    '2 min 05 s',
    '1 h 02 min',
  ])
  expect(rateText(4300n, 1000)).toBe('4,300 rows/s')
  expect(rateText(4300n, 10)).toBeUndefined()
  expect([plural(1, 'step'), plural(0, 'step')]).toEqual(['1 step', '0 steps'])
})
