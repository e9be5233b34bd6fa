/** Names that want to be more than names, as many as are asked for, the same ones in every run. */
import { lakeColumnName } from '../../packages/tidemark/src/ingest/system-columns.ts'

/** What a database lets a name be. */
export interface NameLimits {
  chars: number
  bytes: number
  /** Characters beyond the basic plane. */
  isAstral: boolean
}

const PIECES = [
  ...[
    '"',
    '""',
    "'",
    "''",
    '`',
    '``',
    '[',
    ']',
    ']]',
    '\\',
    '\\\\',
    '$$',
    '$1',
    '?',
    ':x',
    '@p1',
    '%s',
    '${x}',
    '{{x}}',
  ],
  ...[
    ';--',
    "'; DROP TABLE canary; --",
    '"; DROP TABLE canary; --',
    '`; DROP TABLE canary; --',
    ']; DROP TABLE canary; --',
  ],
  ...['/*', '*/', '--', '#', ')', '(', ',', '=', '.', '..', '/', '|', '&', '<', '>', '*', '~', '^', '!', '+'],
  ...[' ', '\t', '\n', '\r\n', '\u00a0', '\u200b', '\ufeff', '\u0001', '\u007f', '\u001b[31m', '\u2028'],
  ...[
    '\u202e',
    '\u200f',
    '\u2066',
    '\u05d0',
    '\u0645\u0631\u062d',
    '\u0301',
    '\u00e9',
    'ß',
    'İ',
    'ı',
    '愛',
    '日本',
    '\ud7ff',
  ],
  ...[
    'select',
    'FROM',
    'NULL',
    'union all',
    'COPY x TO PROGRAM',
    't.xmin',
    't',
    'read_csv',
    'constant',
    'a',
    'B',
    '0',
    '_',
  ],
]
const ASTRAL = ['🎵', '\u{10ffff}', '𝒳']

/** Different names, also without their case and accents, in the database and as the lake writes them. */
export function hostileNames(count: number, { chars, bytes, isAstral }: NameLimits): string[] {
  const random = numbers(20_260_731)
  const pieces = isAstral ? [...PIECES, ...ASTRAL] : PIECES
  const pick = (): string => pieces[random(pieces.length)] ?? ''
  const names: string[] = []
  const taken = new Set<string>()
  while (names.length < count) {
    const mark = names.length.toString(36)
    const length = random(4) === 0 ? chars : 1 + random(30)
    let before = ''
    let after = ''
    const whole = (): string => before + mark + after
    for (let n = 0; n < 200 && [...whole()].length < length; n += 1) {
      const piece = pick()
      const [was, then] = [before, after]
      if (random(2) === 0) before += piece
      else after += piece
      const name = whole()
      // Some databases forbid a blank at the end.
      const fits = name.length <= chars && Buffer.byteLength(name) <= bytes && !/\s$/.test(name)
      if (!fits) [before, after] = [was, then]
    }
    const name = whole()
    const folded = lakeColumnName(name).normalize('NFKD').replaceAll(/\p{M}/gu, '').toLowerCase()
    if (taken.has(folded)) continue
    taken.add(folded)
    names.push(name)
  }
  return names
}

/** Whole numbers below a limit; the same sequence for a seed. */
function numbers(seed: number): (below: number) => number {
  let state = seed
  return below => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}
