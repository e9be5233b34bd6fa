import { describe, expect, test } from 'vitest'
import { plainLine, plainText } from './plain-text.ts'
import { Problems, problem } from './problem.ts'
import { exitCodeOf, renderExplain, renderProblem } from './render.ts'
import { padToWidth, textWidth, truncateToWidth } from './text-width.ts'

const WATERMARK = problem({
  code: 'SOURCE_WATERMARK_TYPE',
  title: 'The watermark column cannot be ordered.',
  message: (p: { column: string }) => `${p.column} is varchar; a watermark must be a date, a timestamp or an integer.`,
  hint: () => 'Choose another column, or leave cdc_col out.',
  retry: 'after-change',
  exit: 2,
  example: { column: 'public.orders.status' },
})

const list = ['[', '  { "schema": "public", "table": "orders",', '    "cdc_col": "status", "from_date": "" },'].join(
  '\n',
)
const place = { file: 'loop_input.json', line: 3, column: 16, length: 6 }
const plain = { colour: false, readSource: () => list }

describe('a problem', () => {
  test('is shown with its place, reason, way out and state', () => {
    const error = WATERMARK({ column: 'public.orders.status' }, { place, state: 'Nothing was read or written.' })
    expect(renderProblem(error, plain)).toBe(
      [
        'error SOURCE_WATERMARK_TYPE: The watermark column cannot be ordered.',
        '  loop_input.json:3:16',
        '  2 |   { "schema": "public", "table": "orders",',
        '  3 |     "cdc_col": "status", "from_date": "" },',
        '    |                ^^^^^^',
        '  public.orders.status is varchar; a watermark must be a date, a timestamp or an integer.',
        '  hint: Choose another column, or leave cdc_col out.',
        '  Nothing was read or written. More: tidemark explain SOURCE_WATERMARK_TYPE',
      ].join('\n'),
    )
  })

  test('cannot move the cursor, clear the screen or forge a heading with text from a database', () => {
    const hostile = 'a\u001b[2J\u001b]0;title\u0007b\u009b31mc\u202ed\r\u0000e'
    const text = renderProblem(WATERMARK({ column: hostile }), { colour: false })
    expect(text).toContain('abcde is varchar')
  })

  test('keeps its carets under wide characters and tabs', () => {
    const source = '\t表: "x"'
    const error = WATERMARK({ column: 'x' }, { place: { file: 'a', line: 1, column: 5, length: 3 } })
    const lines = renderProblem(error, { colour: false, readSource: () => source }).split('\n')
    expect(lines[2]).toBe('  1 |  表: "x"')
    expect(lines[3]).toBe('    |      ^^^')
  })

  test('shows the part of a long line that holds the place', () => {
    const source = `${'x'.repeat(500)}here${'y'.repeat(500)}`
    const error = WATERMARK({ column: 'x' }, { place: { file: 'a', line: 1, column: 501, length: 4 } })
    const [, , code, carets] = renderProblem(error, { colour: false, readSource: () => source }).split('\n')
    expect(code?.length).toBeLessThan(125)
    expect(code?.slice(carets?.indexOf('^'), (carets?.lastIndexOf('^') ?? 0) + 1)).toBe('here')
  })

  test('is shown without lines when the file has changed since', () => {
    const error = WATERMARK({ column: 'x' }, { place: { file: 'a', line: 9, column: 1 } })
    expect(renderProblem(error, { colour: false, readSource: () => 'one line' })).not.toContain('|')
  })

  test('has colour only when asked for', () => {
    const error = WATERMARK({ column: 'x' })
    expect(renderProblem(error, { colour: false })).not.toContain('\u001b')
    expect(renderProblem(error, { colour: true })).toContain('\u001b[31m')
  })
})

describe('what was thrown', () => {
  test('several problems are all shown and the worst decides the exit code', () => {
    const many = new Problems([WATERMARK({ column: 'a' }), WATERMARK({ column: 'b' })])
    expect(renderProblem(many, { colour: false }).match(/^error /gm)).toHaveLength(2)
    expect(exitCodeOf(many)).toBe(2)
  })

  test('anything unknown is called a bug of ours, with its stack', () => {
    const text = renderProblem(new TypeError('x is not a function'), { colour: false })
    expect(text).toContain('this is a bug in tidemark')
    expect(text).toContain('TypeError: x is not a function')
    expect(text).toMatch(/\n {2}at /)
    expect(exitCodeOf(new TypeError('x'))).toBe(1)
  })
})

describe('explain', () => {
  test('an unknown code is answered with the codes that look like it', () => {
    expect(() => renderExplain('ALERT_SMPT_URL')).toThrow(
      expect.objectContaining({ code: 'EXPLAIN_UNKNOWN_CODE', hint: expect.stringContaining('ALERT_SMTP_URL') }),
    )
  })
})

describe('text', () => {
  test('plain text keeps newlines and drops what steers a terminal', () => {
    expect(plainText('a\tb\r\nc\u001bM\u0085d')).toBe('a b\ncd')
    expect(plainLine('a\r\nSubject: x\u2028y')).toBe('a Subject: x y')
  })

  test('is measured and cut in terminal cells', () => {
    expect(textWidth('Müller 日本 🎵')).toBe(14)
    expect(truncateToWidth('日本語', 4)).toBe('日…')
    expect(truncateToWidth('abc', 3)).toBe('abc')
    expect(truncateToWidth('abc', 0)).toBe('')
    expect(padToWidth('日', 4, 'right')).toBe('  日')
  })
})
