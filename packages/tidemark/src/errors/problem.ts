/**
 * Problem: the one kind of error a user meets. It has a stable code, a place in the user's own files where there is
 * one, the reason, the way out, and a sentence that says what state things are in.
 */

/** A place in a file the user wrote; line and column count from 1. */
export interface Place {
  file: string
  line: number
  column: number
  /** Number of characters to underline; 1 when left out. */
  length?: number
}

export type Retry = 'never' | 'later' | 'after-change'
/** Process exit code: 1 a step failed, 2 the project is wrong, 3 the environment is wrong. */
export type ExitCode = 1 | 2 | 3

export interface ProblemKind<P extends object> {
  readonly code: string
  readonly title: string
  readonly retry: Retry
  readonly exit: ExitCode
  readonly message: (params: P) => string
  readonly hint?: ((params: P) => string) | undefined
  /** One set of parameters, used by `tidemark explain`, the generated reference and the catalogue's test. */
  readonly example: P
  /** Build the error. `state` says what was and was not written; `place` points at the user's text. */
  (params: P, at?: { place?: Place | undefined; state?: string | undefined; cause?: unknown }): Problem
}

export class Problem extends Error {
  override readonly name = 'Problem'
  readonly code: string
  readonly title: string
  readonly retry: Retry
  readonly exit: ExitCode
  readonly hint: string | undefined
  readonly place: Place | undefined
  readonly state: string | undefined
  readonly params: Readonly<Record<string, unknown>>

  constructor(kind: KindFacts, message: string, hint: string | undefined, params: object, at: ProblemContext) {
    super(message, at.cause === undefined ? undefined : { cause: at.cause })
    this.code = kind.code
    this.title = kind.title
    this.retry = kind.retry
    this.exit = kind.exit
    this.hint = hint
    this.place = at.place
    this.state = at.state
    this.params = { ...params }
  }

  /** The same problem, pointing at the user's text. */
  at(place: Place): Problem {
    const { state, cause } = this
    return new Problem(this, this.message, this.hint, this.params, { place, state, cause })
  }

  /** The same problem, where more was done before it than whoever found it could know. */
  after(state: string): Problem {
    const { place, cause } = this
    return new Problem(this, this.message, this.hint, this.params, { place, state, cause })
  }
}

/** What a problem takes over from its kind. */
type KindFacts = Pick<ProblemKind<never>, 'code' | 'title' | 'retry' | 'exit'>

interface ProblemContext {
  place?: Place | undefined
  state?: string | undefined
  cause?: unknown
}

interface Definition<P extends object> {
  code: string
  title: string
  message: (params: P) => string
  hint?: (params: P) => string
  retry: Retry
  exit: ExitCode
  example: P
}

/** Several problems found together; configuration is always checked to the end before anything stops. */
export class Problems extends Error {
  override readonly name = 'Problems'
  readonly problems: readonly Problem[]
  constructor(problems: readonly Problem[]) {
    super(problems.map(p => `${p.code}: ${p.message}`).join('\n'))
    this.problems = problems
  }
}

/** Define one kind of problem for the catalogue; the result is called to make the error. */
export function problem<P extends object>(definition: Definition<P>): ProblemKind<P> {
  const make = (params: P, at: ProblemContext = {}): Problem =>
    new Problem(
      kind as unknown as ProblemKind<never>,
      definition.message(params),
      definition.hint?.(params),
      params,
      at,
    )
  const kind: ProblemKind<P> = Object.assign(make, definition)
  return kind
}
