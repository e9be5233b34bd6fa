/**
 * Problems as a person sees them: code and title, the place with its line, the reason, the way out, the state things
 * are in. Everything that came from outside is stripped of control characters.
 */
import { styleText } from 'node:util'
import { catalogue, exampleOf, findProblemKind } from './catalogue.ts'
import { codeFrame } from './code-frame.ts'
import { EXPLAIN_UNKNOWN_CODE } from './explain.ts'
import { plainLine, plainText } from './plain-text.ts'
import { type ExitCode, type Place, Problem, Problems, type Retry } from './problem.ts'

export interface RenderOptions {
  colour: boolean
  /** `warning` for problems that stop nothing; `error` when left out. */
  severity?: 'error' | 'warning'
  /** Text of one of the user's files, for the lines around the place; undefined when it cannot be read. */
  readSource?: (file: string) => string | undefined
  /** Page of the error reference; the code is added as its fragment. */
  docsUrl?: string
}

type Style = Parameters<typeof styleText>[0]

/**
 * Render whatever was thrown, without a newline at the end. `Problems` are rendered one after the other; anything that
 * is neither is a bug of ours and says so, with its stack.
 */
export function renderProblem(error: unknown, options: RenderOptions): string {
  if (error instanceof Problems) return error.problems.map(one => renderOne(one, options)).join('\n\n')
  if (error instanceof Problem) return renderOne(error, options)
  return renderBug(error, options)
}

/** The exit code a thrown value leads to: the largest of several problems; 1 for a bug. */
export function exitCodeOf(error: unknown): ExitCode {
  if (error instanceof Problem) return error.exit
  if (!(error instanceof Problems)) return 1
  return error.problems.reduce<ExitCode>((exit, one) => (one.exit > exit ? one.exit : exit), 1)
}

/** What `tidemark explain CODE` prints. @throws {EXPLAIN_UNKNOWN_CODE} with similar codes */
export function renderExplain(code: string, options: Pick<RenderOptions, 'colour'> = { colour: false }): string {
  const kind = findProblemKind(code)
  if (kind === undefined) throw EXPLAIN_UNKNOWN_CODE({ code: plainLine(code), similar: similarCodes(code) })
  const example = exampleOf(kind)
  return [
    `${paint(kind.code, 'bold', options)}: ${kind.title}`,
    '',
    `For example: ${example.message}`,
    ...(example.hint === undefined ? [] : ['', `hint: ${example.hint}`]),
    '',
    `${retryText(kind.retry)} ${exitText(kind.exit)}`,
  ].join('\n')
}

/** A retry class as a sentence. */
export function retryText(retry: Retry): string {
  switch (retry) {
    case 'never':
      return 'Trying again does not help.'
    case 'later':
      return 'Trying again later may succeed.'
    case 'after-change':
      return 'Trying again helps only after something was changed.'
  }
}

/** An exit code as a sentence. */
export function exitText(exit: ExitCode): string {
  switch (exit) {
    case 1:
      return 'Exit code 1: a step failed.'
    case 2:
      return 'Exit code 2: the project is wrong.'
    case 3:
      return 'Exit code 3: the environment is wrong.'
  }
}

/** `file:line:column`, as editors and terminals make it clickable. */
export function printPlace(place: Place): string {
  return plainLine(`${place.file}:${place.line}:${place.column}`)
}

function renderOne(problem: Problem, options: RenderOptions): string {
  const severity = options.severity ?? 'error'
  const lines = [
    `${paint(`${severity} ${problem.code}`, severity === 'error' ? 'red' : 'yellow', options)}: ${problem.title}`,
  ]
  if (problem.place !== undefined) {
    lines.push(`  ${paint(printPlace(problem.place), 'cyan', options)}`)
    const source = options.readSource?.(problem.place.file)
    if (source !== undefined) lines.push(...codeFrame(source, problem.place).map(line => `  ${line}`))
  }
  lines.push(...indent(problem.message))
  if (problem.hint !== undefined) lines.push(...indent(`hint: ${problem.hint}`))
  const more = `More: tidemark explain ${problem.code}${options.docsUrl === undefined ? '' : ` or ${options.docsUrl}#${problem.code.toLowerCase()}`}`
  lines.push(...indent(problem.state === undefined ? more : `${plainText(problem.state).trimEnd()} ${more}`))
  return lines.join('\n')
}

function renderBug(error: unknown, options: RenderOptions): string {
  const name = error instanceof Error ? plainLine(`${error.name}: ${error.message}`) : plainLine(String(error))
  const stack = error instanceof Error ? (error.stack ?? '').split('\n').filter(line => /^\s+at /.test(line)) : []
  return [
    `${paint('error', 'red', options)}: this is a bug in tidemark, not in your project.`,
    `  ${name}`,
    ...stack.slice(0, 8).map(line => `  ${plainLine(line)}`),
    '  Please report it with these lines and the command you ran. What was committed before it stays; run again to continue.',
  ].join('\n')
}

function indent(text: string): string[] {
  return plainText(text)
    .split('\n')
    .map(line => `  ${line.trimEnd()}`)
}

function paint(text: string, style: Style, options: Pick<RenderOptions, 'colour'>): string {
  return options.colour ? styleText(style, text, { validateStream: false }) : text
}

/** Codes that share words with the one asked for, the most alike first; at most three. */
function similarCodes(code: string): string[] {
  const wanted = letterPairs(code.toUpperCase())
  return catalogue
    .map(kind => ({ code: kind.code, alike: overlap(wanted, letterPairs(kind.code)) }))
    .filter(one => one.alike >= 0.4)
    .sort((a, b) => b.alike - a.alike)
    .slice(0, 3)
    .map(one => one.code)
}

function letterPairs(word: string): Set<string> {
  return new Set(Array.from({ length: Math.max(0, word.length - 1) }, (_, i) => word.slice(i, i + 2)))
}

/** Dice coefficient of two sets: 1 for equal sets, 0 for sets without a common element. */
function overlap(a: ReadonlySet<string>, b: ReadonlySet<string>): number {
  return a.size + b.size === 0 ? 0 : (2 * [...a].filter(pair => b.has(pair)).length) / (a.size + b.size)
}
