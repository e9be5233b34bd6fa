/**
 * The regular expressions that Java (Spark) and RE2 (DuckDB) read alike. Everything whose meaning differs, or could,
 * is refused by name; `.` and `\s` are spelled out because the two differ about line ends.
 */

/** The RE2 form of a pattern with the number of its groups, or what is wrong with it. */
export function portablePattern(java: string): { re2: string; groups: number } | { refused: string } {
  let re2 = ''
  let groups = 0
  for (let at = 0; at < java.length; ) {
    const [piece, length] = readPiece(java, at)
    if (length === 0) return { refused: piece }
    if (piece === '(') groups += 1
    re2 += piece
    at += length
  }
  try {
    if (new RegExp(re2.replaceAll(/\\x\{([0-9a-f]+)\}/g, '\\u{$1}'), 'u').test('')) {
      return { refused: 'a pattern that matches the empty text: the engines replace it at different places' }
    }
  } catch {
    return { refused: 'a pattern that is not a regular expression' }
  }
  return { re2, groups }
}

/** The RE2 form of a Java replacement: `$1` becomes `\1`, an escaped character stands for itself. */
export function portableReplacement(java: string, groups: number): { re2: string } | { refused: string } {
  let re2 = ''
  for (let at = 0; at < java.length; at++) {
    const char = java[at] ?? ''
    if (char === '$') {
      const group = java[++at] ?? ''
      if (!/\d/.test(group) || /\d/.test(java[at + 1] ?? ''))
        return { refused: 'a replacement with $ that is not $0 to $9' }
      if (Number(group) > groups)
        return { refused: `a replacement with $${group}, and the pattern has ${groups} groups` }
      re2 += `\\${group}`
    } else if (char === '\\') {
      const literal = java[++at]
      if (literal === undefined) return { refused: 'a replacement that ends in a backslash' }
      re2 += literal === '\\' ? '\\\\' : literal
    } else re2 += char
  }
  return { re2 }
}

const NOT_LINE_END = '[^\\n\\r\\x{85}\\x{2028}\\x{2029}]'
const SPACE = ' \\t\\n\\x{b}\\f\\r'

/** The next piece and its length; length 0 says what is refused. */
function readPiece(java: string, at: number): [string, number] {
  const char = java[at] ?? ''
  if (char === '\\') return readEscape(java[at + 1] ?? '', false)
  if (char === '[') return readClass(java, at)
  if (char === '.') return [NOT_LINE_END, 1]
  if (char === '$') return ['the anchor $, which in Java also matches before a last line end', 0]
  if (char === '(' && java[at + 1] === '?') {
    return java[at + 2] === ':' ? ['(?:', 3] : ['(?…), which the engines read differently', 0]
  }
  if (/[*+?}]/.test(char) && java[at + 1] === '+') return ['a possessive quantifier', 0]
  return [char, 1]
}

function readEscape(char: string, inClass: boolean): [string, number] {
  if (/[dDwW]/.test(char)) return [`\\${char}`, 2]
  if (char === 's') return [inClass ? SPACE : `[${SPACE}]`, 2]
  if (char === 'S' && !inClass) return [`[^${SPACE}]`, 2]
  if (/[tnrf]/.test(char)) return [`\\${char}`, 2]
  if (/[.*+?()[\]{}|^$\\/-]/.test(char)) return [char === '/' ? '/' : char === '-' && !inClass ? '-' : `\\${char}`, 2]
  return [`\\${char}`, 0]
}

function readClass(java: string, start: number): [string, number] {
  let re2 = '['
  let at = start + 1
  if (java[at] === '^') (re2 += '^'), at++
  for (; at < java.length && java[at] !== ']'; ) {
    const char = java[at] ?? ''
    if (char === '[' || (char === '&' && java[at + 1] === '&')) return ['a class inside a class', 0]
    if (char === '\\') {
      const [piece, length] = readEscape(java[at + 1] ?? '', true)
      if (length === 0) return [piece, 0]
      re2 += piece
      at += length
    } else (re2 += char), at++
  }
  return java[at] === ']' && at > start + 1 ? [`${re2}]`, at - start + 1] : ['an empty or open class', 0]
}
