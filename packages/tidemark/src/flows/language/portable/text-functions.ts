/** Functions of texts. Positions count from 1, lengths are in Unicode code points. */
import { join, raw, type Sql, sql, text } from '../../../engine/sql.ts'
import type { Builder } from './arithmetic.ts'
import type { Typed } from './cast.ts'
import { arg, asInt, asText, int, type PortableFunction, STRING, typed } from './function.ts'
import { lowerCase, upperCase } from './letters.ts'
import { portablePattern, portableReplacement } from './regexp.ts'
import { simple } from './type.ts'

/** A function of texts that DuckDB has under the same meaning. */
function textFunction(name: string, meaning: string, make: (x: Sql) => Sql): PortableFunction {
  return {
    name,
    signature: `${name}(text)`,
    meaning,
    arity: [1, 1],
    build: (a, b) => typed(make(asText(a, 0, b)), STRING),
  }
}

function textTest(name: string, duckdb: string, meaning: string): PortableFunction {
  return {
    name,
    signature: `${name}(text, part)`,
    meaning,
    arity: [2, 2],
    build: (a, b) => typed(sql`${raw(duckdb)}(${asText(a, 0, b)}, ${asText(a, 1, b)})`, simple('boolean')),
  }
}

function regexpReplace(args: readonly Typed[], b: Builder): Typed {
  const [pattern, replacement] = [arg(args, 1).literal, arg(args, 2).literal]
  if (pattern === undefined || replacement === undefined) return b.refuse('pattern and replacement are text literals')
  const p = portablePattern(pattern)
  if ('refused' in p) return b.refuse(p.refused)
  const r = portableReplacement(replacement, p.groups)
  if ('refused' in r) return b.refuse(r.refused)
  return typed(sql`regexp_replace(${asText(args, 0, b)}, ${text(p.re2)}, ${text(r.re2)}, 'g')`, STRING)
}

/** Positions count from 1, 0 means 1, negative ones count from the end; a start before the text eats from the length. */
function substring(args: readonly Typed[], b: Builder): Typed {
  const s = asText(args, 0, b)
  const position = asInt(args, 1, b)
  const start = sql`CASE WHEN ${position} > 0 THEN CAST(${position} AS BIGINT) - 1 WHEN ${position} < 0 THEN length(${s}) + ${position} ELSE 0 END`
  if (args.length === 2) return typed(sql`substring(${s}, greatest(${start}, 0) + 1)`, STRING)
  const end = sql`greatest(CAST(${asInt(args, 2, b)} AS BIGINT) + least(${start}, 0), 0)`
  // greatest and least skip NULL, so NULL arguments are answered first.
  const isNull = sql`(${position} IS NULL OR ${asInt(args, 2, b)} IS NULL)`
  return typed(sql`CASE WHEN ${isNull} THEN NULL ELSE substring(${s}, greatest(${start}, 0) + 1, ${end}) END`, STRING)
}

export function concat(args: readonly Typed[], b: Builder): Typed {
  return typed(
    sql`(${join(
      args.map((_, i) => sql`${asText(args, i, b)}`),
      ' || ',
    )})`,
    STRING,
  )
}

const SUBSTRING: Omit<PortableFunction, 'name' | 'signature'> = {
  meaning: 'Characters from a position that counts from 1; 0 means 1, a negative one counts from the end.',
  arity: [2, 3],
  build: substring,
}

export const TEXT_FUNCTIONS: readonly PortableFunction[] = [
  textFunction('upper', 'Upper case, in which ß is SS.', upperCase),
  textFunction('lower', 'Lower case.', lowerCase),
  textFunction('trim', 'Without spaces at both ends; other blanks stay.', x => sql`trim(${x}, ' ')`),
  textFunction('ltrim', 'Without spaces at the start.', x => sql`ltrim(${x}, ' ')`),
  textFunction('rtrim', 'Without spaces at the end.', x => sql`rtrim(${x}, ' ')`),
  textTest('startswith', 'starts_with', 'Whether the text starts with the part.'),
  textTest('endswith', 'ends_with', 'Whether the text ends with the part.'),
  textTest('contains', 'contains', 'Whether the part is in the text.'),
  {
    name: 'length',
    signature: 'length(text)',
    meaning: 'Number of characters (Unicode code points), an INT.',
    arity: [1, 1],
    build: (a, b) => int(sql`length(${asText(a, 0, b)})`),
  },
  { name: 'substring', signature: 'substring(text, position [, length])', ...SUBSTRING },
  { name: 'substr', signature: 'substr(text, position [, length])', ...SUBSTRING },
  {
    name: 'replace',
    signature: 'replace(text, find, with)',
    meaning: 'Every occurrence of a literal text replaced; an empty find changes nothing.',
    arity: [3, 3],
    build: (a, b) => typed(sql`replace(${asText(a, 0, b)}, ${asText(a, 1, b)}, ${asText(a, 2, b)})`, STRING),
  },
  {
    name: 'regexp_replace',
    signature: "regexp_replace(text, 'pattern', 'replacement')",
    meaning:
      'Every match replaced; $1 is a group. Pattern and replacement are literals; no anchors $ and \\b, no (?…).',
    arity: [3, 3],
    build: regexpReplace,
  },
  {
    name: 'concat',
    signature: 'concat(value, …)',
    meaning: 'The texts joined; NULL when one of them is NULL.',
    arity: [1, 100],
    build: concat,
  },
]
