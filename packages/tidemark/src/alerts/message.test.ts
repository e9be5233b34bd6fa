import { expect, test } from 'vitest'
import { alertConfig, failingBefore, finishedRun, stepResult } from '../../../../test/support/alerts.ts'
import { alertHtml, alertText } from './message.ts'
import type { AlertRecord } from './record.ts'
import { decideAlerts } from './rules.ts'
import { parseSigningSecret, signWebhook } from './signature.ts'

function failure(message: string): AlertRecord {
  const problem = {
    code: 'SOURCE_TABLE_MISSING',
    title: 'Gone.',
    message,
    hint: 'Bring it back.',
    place: 'list.json:3:5',
  }
  const results = [stepResult('bronze.DimUser', 'failed', { problem }), stepResult('silver.DimUser', 'skipped')]
  const [record] = decideAlerts(
    finishedRun(results),
    failingBefore([]),
    alertConfig([{ on: ['failure'], send: ['hook'] }]),
  )
  if (record === undefined) throw new Error('no alert')
  return record
}

test('an alert as text says what failed, what to do and where to look', () => {
  expect(alertText(failure('public.DimUser does not exist.'))).toBe(`bronze.DimUser failed in music (prod)

public.DimUser does not exist.

What to do: Bring it back.

table:     bronze.DimUser
status:    failed
error:     SOURCE_TABLE_MISSING
place:     list.json:3:5
skipped:   silver.DimUser
pipeline:  music
target:    prod
run:       20261122T120003Z-4f1c2a
time:      2026-11-22T12:00:03.000Z

More: tidemark explain SOURCE_TABLE_MISSING
`)
})

test('text from a database cannot become markup or terminal control', () => {
  const record = failure('<script>alert("x")</script>\u001b[31m & \u202eabc')
  const html = alertHtml(record)
  expect(html).toContain('&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt; &amp; abc')
  expect(html).not.toContain('<script')
  expect(html).not.toContain('\u001b')
  expect(alertText(record)).not.toContain('\u001b')
})

test('a very long message stays below the size receivers accept', () => {
  const record = failure('x'.repeat(100_000))
  expect(JSON.stringify(record).length).toBeLessThan(20_000)
})

test('a signature is the one the Standard Webhooks specification computes', () => {
  const key = parseSigningSecret('whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw')
  const message = { id: 'msg_p5jXN8AQM9LWM0D4loKWxJek', timestamp: 1614265330, body: '{"test": 2432232314}' }
  expect(key).toBeDefined()
  expect(signWebhook(key ?? new Uint8Array(), message)).toBe('v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=')
})

test.each(['whsec_c2hvcnQ=', 'not base64!', 'whsec_'])('%s is no signing secret', secret => {
  expect(parseSigningSecret(secret)).toBeUndefined()
})
