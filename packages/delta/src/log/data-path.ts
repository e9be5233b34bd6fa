/**
 * Paths of data files as the log spells them. In memory a path is decoded and canonical; in the log it is URI-encoded.
 */
import { DeltaError } from '../errors.ts'

/**
 * Decode a path of the log so that all its spellings are one key: `/x`, `file:/x` and `file:///x` are equal, and a
 * relative path stays relative to the table. An absolute path may lie anywhere. Throws PATH_INVALID for broken
 * percent-encoding and for a path that steps upwards, out of the table or through another folder.
 */
export function canonicalDataPath(spelling: string): string {
  if (isPlain(spelling)) return spelling
  const isUri = /^[a-z][a-z0-9+.-]*:/i.test(spelling)
  const path = decode(spelling.replace(/^file:\/*(?=\/)/i, ''), spelling)
  const isAbsolute = isUri || path.startsWith('/')
  if (path.split('/').includes('..')) {
    throw invalid(spelling, isAbsolute ? 'steps upwards' : 'leaves the table')
  }
  return isAbsolute ? path : path.replace(/^(\.\/)+/, '')
}

/** Relative, with nothing to decode and no folder above: how nearly every path of every log is spelled. */
function isPlain(spelling: string): boolean {
  const isRelative = !spelling.startsWith('/') && !spelling.startsWith('.') && !spelling.includes(':')
  return isRelative && !spelling.includes('%') && !spelling.includes('..')
}

/** Encode a decoded path for the log. `=` stays readable, because partition folders are full of it. */
export function encodeDataPath(path: string): string {
  return path.split('/').map(encodeSegment).join('/')
}

function encodeSegment(segment: string): string {
  return encodeURIComponent(segment).replaceAll('%3D', '=')
}

function decode(text: string, spelling: string): string {
  try {
    return decodeURIComponent(text)
  } catch (cause) {
    throw invalid(spelling, 'is not correctly percent-encoded', cause)
  }
}

function invalid(path: string, reason: string, cause?: unknown): DeltaError {
  return new DeltaError('PATH_INVALID', `The data file path ${JSON.stringify(path)} ${reason}.`, { path }, cause)
}
