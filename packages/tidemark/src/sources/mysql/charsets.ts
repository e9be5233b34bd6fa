/**
 * Letters that get lost where the server makes Unicode of them: for one that it does not know it prints a question mark, and says
 * nothing that a reader hears.
 */
import { raw, type Sql, sql } from '../../engine/sql.ts'

/** Of each of their bytes, or pairs of them, the server knows the letter. */
const OF_UNICODE = new Set(
  'utf8mb4 utf8mb3 utf8 ucs2 utf16 utf16le utf32 latin1 latin2 latin5 latin7 koi8r koi8u cp850 cp852 cp866 keybcs2 macce macroman'.split(
    ' ',
  ),
)

/** True when each text of a character set is one of Unicode, too. */
export function isOfUnicode(charset: string): boolean {
  return OF_UNICODE.has(charset.toLowerCase())
}

/** What no text in UTF-8 begins with: it stands for one that has lost a letter. */
export const LOST = 0xff

/** A text as bytes of UTF-8, or `LOST`. */
export function knownText(value: Sql): Sql {
  return sql`CASE WHEN ${hasLostLetter(value)} THEN ${raw("x'ff'")} ELSE CAST(${unicode(value)} AS BINARY) END`
}

/** Compared by their number: many a letter has two codes in its own set and is another code when it comes back. */
export function hasLostLetter(value: Sql): Sql {
  return sql`(LOCATE('?', ${unicode(value)}) > 0 AND ${questionMarks(unicode(value))} <> ${questionMarks(value)})`
}

const unicode = (value: Sql): Sql => sql`CONVERT(${value} USING utf8mb4)`
const questionMarks = (value: Sql): Sql => sql`(CHAR_LENGTH(${value}) - CHAR_LENGTH(REPLACE(${value}, '?', '')))`
