/** What the reader takes without asking is taken by SQLite, too: of texts at random, and of all numbers of a few digits. */
import { DatabaseSync } from 'node:sqlite'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { raw } from '../../engine/sql.ts'
import { isDay, isMoment } from './moment.ts'
import { isPlainDecimal } from './plain-decimal.ts'
import { isPlainDay, isPlainMoment } from './plain-moment.ts'
import { carryType } from './types.ts'

const database = new DatabaseSync(':memory:')
const ask = (condition: string): ((value: string | number) => boolean) => {
  const statement = database.prepare(`SELECT ${condition.replaceAll('?1', 'v')} AS fits FROM (SELECT ?1 AS v)`)
  return value => statement.get(value)?.['fits'] === 1
}
const [dayFits, momentFits] = [ask(isDay(raw('?1')).text), ask(isMoment(raw('?1')).text)]

const near = fc
  .tuple(
    fc.constantFrom(
      '2024-02-29',
      '2023-02-29',
      '1900-02-29',
      '2000-02-29',
      '0001-01-01',
      '0001-01-02',
      '9999-12-31',
      '2026-04-31',
    ),
    fc.constantFrom(
      '',
      ' ',
      'T',
      ' 00:00',
      'T23:59:59',
      ' 24:00',
      ' 10:60',
      ' 10:00:60',
      ' 1:00',
      'T10:00:00.',
      'T10:00:00.123456',
      ' 10:00:00.1234567',
    ),
    fc.constantFrom('', 'Z', 'z', '+14:00', '-14:59', '+15:00', '+00:60', '+0200', ' Z', 'x', '\0', 'é'),
  )
  .map(parts => parts.join(''))
const any = fc.oneof(
  near,
  near.chain(text =>
    fc
      .tuple(fc.nat(text.length), fc.constantFrom(...' :-+T.Z0123456789\0\n'))
      .map(([at, one]) => text.slice(0, at) + one + text.slice(at + 1)),
  ),
)

test('a plain day or moment is one, and plain ones are not left to SQLite', () => {
  let plain = 0
  fc.assert(
    fc.property(any, text => {
      const bytes = Buffer.from(`"${text}"`)
      const [isOne, isOther] = [isPlainMoment(bytes, 1, bytes.length - 1), isPlainDay(bytes, 1, bytes.length - 1)]
      if (isOne) expect([text, momentFits(text)]).toEqual([text, true])
      if (isOther) expect([text, dayFits(text)]).toEqual([text, true])
      if (isOne) plain += 1
    }),
    { numRuns: 20_000 },
  )
  expect(plain).toBeGreaterThan(200)
})

test('every day of the calendar is plain, and no other day is', () => {
  const wrong: string[] = []
  for (const year of ['0002', '0100', '1900', '2000', '2023', '2024', '9998']) {
    for (let n = 0; n < 10_000; n++) {
      const text = `${year}-${String(n)
        .padStart(4, '0')
        .replace(/..$/, day => `-${day}`)}`
      const bytes = Buffer.from(text)
      if (isPlainDay(bytes, 0, bytes.length) !== dayFits(text)) wrong.push(text)
    }
  }
  expect(wrong).toEqual([])
})

test('a plain decimal is one, and printed with its scale it is as it stands', () => {
  for (const [precision, scale] of [
    [10, 2],
    [5, 5],
    [15, 0],
    [18, 4],
    [38, 20],
    [3, 1],
  ] as const) {
    const { fits, print } = carryType(`decimal(${precision},${scale})`, 'UTC')
    const isOne = ask(fits(raw('?1')).text)
    const statement = database.prepare(
      `SELECT json_array(v) AS shown, CAST(${print(raw('v')).text} AS text) AS printed FROM (SELECT ?1 AS v)`,
    )
    let plain = 0
    fc.assert(
      fc.property(
        fc.oneof(
          fc.tuple(fc.maxSafeInteger(), fc.nat(20)).map(([n, s]) => n / 10 ** s),
          fc.integer({ max: 10 ** 7 }).map(n => n / 10 ** scale),
          fc.double({ noNaN: true }),
        ),
        n => {
          const { shown, printed } = statement.get(n) as { shown: string; printed: string }
          const bytes = Buffer.from(shown)
          if (!isPlainDecimal(bytes, { start: 1, end: bytes.length - 1 }, { precision, scale })) return
          plain += 1
          expect([n, isOne(n), printed]).toEqual([n, true, shown.slice(1, -1)])
        },
      ),
      { numRuns: 5000 },
    )
    if (scale <= 15) expect(plain).toBeGreaterThan(50)
  }
})
