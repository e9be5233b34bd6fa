/** What `doctor` says of a SQLite source: which version reads it, and who else on this machine may. */
import { statSync } from 'node:fs'
import { sql } from '../../engine/sql.ts'
import { type Finding, ok, warning } from '../../model/finding.ts'
import type { Diagnosis } from '../rights.ts'
import type { SqliteSession } from './session.ts'

export async function diagnose(
  session: Pick<SqliteSession, 'query'>,
  { path, timezone }: { path: string; timezone: string },
  signal: AbortSignal,
): Promise<Diagnosis> {
  const [row] = await session.query(sql`SELECT sqlite_version()`, signal)
  const findings = [
    ok('file', `SQLite ${row?.[0] ?? '?'} reads ${path}`),
    ok('session', 'read-only'),
    ok('time zone', `times without a zone are read as ${timezone}`),
    permissions(path),
  ]
  return { findings, found: new Map(), openTransactionsHidden: undefined }
}

/** A file that belongs to everybody is no secret, and one that everybody may write proves nothing. */
function permissions(path: string): Finding {
  const mode = statSync(path).mode & 0o777
  const octal = mode.toString(8).padStart(3, '0')
  const others = mode & 0o007
  if (others === 0) return ok('permissions', `${octal}: nobody but its owner and group reaches the file`)
  const may = [...(others & 4 ? ['read'] : []), ...(others & 2 ? ['write'] : []), ...(others & 1 ? ['execute'] : [])]
  return warning(
    'permissions',
    `${octal}: every user of this machine may ${may.join(' and ')} the file`,
    `chmod o= ${quoted(path)}`,
  )
}

/** A path as one word of a shell, whatever is in it. */
function quoted(path: string): string {
  return /^[\w./-]+$/.test(path) ? path : `'${path.replaceAll("'", String.raw`'\''`)}'`
}
