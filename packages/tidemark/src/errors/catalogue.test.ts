import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { catalogue, exampleOf, findProblemKind } from './catalogue.ts'
import { renderExplain, renderProblem } from './render.ts'

describe('the catalogue', () => {
  test('a code names one kind only', () => {
    const codes = catalogue.map(kind => kind.code)
    expect(codes).toEqual([...new Set(codes)])
    expect(codes.length).toBeGreaterThan(10)
  })

  test('every file that defines kinds is assembled', () => {
    const read = (name: string): string => readFileSync(`${import.meta.dirname}/${name}`, 'utf8')
    const defining = readdirSync(import.meta.dirname)
      .filter(name => name.endsWith('.ts') && !/^problem\.ts$|\.test\.ts$/.test(name))
      .filter(name => /\bproblem[<(]/.test(read(name)))
    const assembled = [...read('catalogue.ts').matchAll(/^import \* as \w+ from '\.\/(.+)'$/gm)].map(match => match[1])
    expect(assembled.sort()).toEqual(defining.sort())
  })

  test.each(catalogue.map(kind => [kind.code, kind] as const))('%s renders from its example', (code, kind) => {
    expect(code).toMatch(/^[A-Z][A-Z0-9]*(_[A-Z0-9]+)+$/)
    expect(kind.title).toMatch(/^[A-Z`].*[.!]$/)
    const text = renderProblem(exampleOf(kind), { colour: false })
    expect(text.split('\n')[0]).toBe(`error ${code}: ${kind.title}`)
    expect(text).toContain(`tidemark explain ${code}`)
    expect(text).not.toMatch(/undefined|\[object/)
    expect(renderExplain(code)).toContain(kind.title)
  })

  test('a code is found whatever its case', () => {
    expect(findProblemKind(' alert_smtp_url ')?.code).toBe('ALERT_SMTP_URL')
    expect(findProblemKind('ALERT_SMTP')).toBeUndefined()
  })
})
