/**
 * upper() and lower() as Spark has them, which knows letters that change their number and newer scripts than DuckDB.
 * Texts without such letters take DuckDB's own function, so they pay for one search. Letters stand here as numbers,
 * because some look the same.
 */
import { type Sql, sql, text, textList } from '../../../engine/sql.ts'

/** The letters of hexadecimal code points and ranges of them. */
function letters(points: string): string[] {
  return points.split(/\s+/).flatMap(range => {
    const [first = 0, last = first] = range.split('-').map(point => Number.parseInt(point, 16))
    return Array.from({ length: last - first + 1 }, (_, i) => String.fromCodePoint(first + i))
  })
}

/** Letters whose upper case is several letters: Unicode's special casing, which never changes. */
const SEVERAL = letters(`df 149 1f0 390 3b0 587 1e96-1e9a 1f50 1f52 1f54 1f56 1f80-1faf 1fb2-1fb4 1fb6 1fb7 1fbc
  1fc2-1fc4 1fc6 1fc7 1fcc 1fd2 1fd3 1fd6 1fd7 1fe2-1fe4 1fe6 1fe7 1ff2-1ff4 1ff6 1ff7 1ffc fb00-fb06 fb13-fb17`)

/** Pairs that Unicode got after DuckDB's tables were made. */
const NEW_LOWER = letters('19b 264 1c8a a7cd a7cf a7d3 a7d5 a7db 10d70-10d85 16ebb-16ed3').join('')
const NEW_UPPER = letters('a7dc a7cb 1c89 a7cc a7ce a7d2 a7d4 a7da 10d50-10d65 16ea0-16eb8').join('')

/** The text in upper case. */
export function upperCase(x: Sql): Sql {
  const several = sql`map(${textList(SEVERAL)}, ${textList(SEVERAL.map(letter => letter.toUpperCase()))})`
  const each = sql`list_transform(string_split(${x}, ''), lambda c: coalesce(map_extract_value(${several}, c), upper(c)))`
  const whole = sql`translate(array_to_string(${each}, ''), ${text(NEW_LOWER)}, ${text(NEW_UPPER)})`
  const special = text(`[${SEVERAL.join('')}${NEW_LOWER}]`)
  return sql`CASE WHEN regexp_matches(${x}, ${special}) THEN ${whole} ELSE upper(${x}) END`
}

/** What stands around a sigma when Unicode decides whether it ends a word: letters with a case, and what is passed over. */
const CASED = String.raw`\p{Lu}\p{Ll}\p{Lt}`
const PASSED_OVER = String.raw`\p{M}\p{Lm}\p{Sk}\p{Cf}'.:${letters('b7 387 55f 5f4 2018 2019 2024 2027 fe13 fe52 fe55 ff07 ff0e ff1a').join('')}`
const FINAL_SIGMA = `([${CASED}][${PASSED_OVER}]*)\u03a3([${PASSED_OVER}]*([^${CASED}${PASSED_OVER}]|$))`

/** The text in lower case; a sigma at the end of a word has its own form. */
export function lowerCase(x: Sql): Sql {
  const sigma = sql`regexp_replace(${x}, ${text(FINAL_SIGMA)}, ${text('\\1\u03c2\\2')}, 'g')`
  const dotted = sql`replace(${sigma}, ${text('\u0130')}, ${text('i\u0307')})`
  const whole = sql`lower(translate(${dotted}, ${text(NEW_UPPER)}, ${text(NEW_LOWER)}))`
  const special = text(`[\u0130\u03a3${NEW_UPPER}]`)
  return sql`CASE WHEN regexp_matches(${x}, ${special}) THEN ${whole} ELSE lower(${x}) END`
}
