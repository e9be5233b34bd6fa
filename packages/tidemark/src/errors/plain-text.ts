/**
 * Text that came from a database, a server or a file, made safe to show: it can neither move a terminal's cursor, nor
 * forge another line, nor turn the direction of what stands after it.
 */

/** Escape sequences: OSC up to its end, CSI, and the two-character ones. Either form of the introducer. */
const escapeSequence =
  /(?:\u001b\]|\u009d)[^\u0007\u001b\u009c]*(?:\u0007|\u001b\\|\u009c)?|(?:\u001b\[|\u009b)[0-?]*[ -/]*[@-~]?|\u001b[ -/]*[0-~]?/g
/** C0 without tab and newline, DEL, C1, line and paragraph separators, and the controls of text direction. */
const control = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u2028\u2029\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g

/** The text without escape sequences and control characters; newlines stay, a tab becomes a blank. */
export function plainText(text: string): string {
  return text.replace(escapeSequence, '').replaceAll('\r\n', '\n').replaceAll('\t', ' ').replace(control, '')
}

/** Like `plainText`, on one line: runs of white space become one blank. */
export function plainLine(text: string): string {
  return plainText(text.replaceAll(/[\r\n\u0085\u2028\u2029]+/g, ' '))
    .replaceAll(/\s+/g, ' ')
    .trim()
}
