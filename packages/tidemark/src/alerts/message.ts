/** An alert as text and as HTML for a mail or a terminal. Pure; contains names, codes, counts and advice only. */
import { plainLine, plainText } from '../errors/plain-text.ts'
import type { AlertRecord } from './record.ts'

/** The alert as plain text, lines ended by newlines. */
export function alertText(record: AlertRecord): string {
  const lines = [headline(record), '', plainText(record.body.message)]
  if (record.body.hint !== null) lines.push('', `What to do: ${plainText(record.body.hint)}`)
  lines.push('', ...facts(record).map(([name, value]) => `${`${name}:`.padEnd(10)} ${value}`))
  if (record.kind === 'failure') lines.push('', `More: tidemark explain ${plainLine(record.body.error_code)}`)
  return `${lines.join('\n')}\n`
}

/** The alert as a small HTML document without images, links or styles from elsewhere; everything is escaped. */
export function alertHtml(record: AlertRecord): string {
  const colour = record.kind === 'failure' ? '#b00020' : '#0a6b2d'
  const rows = facts(record).map(
    ([name, value]) =>
      `<tr><td style="padding:2px 12px 2px 0;color:#555">${escapeHtml(name)}</td><td>${escapeHtml(value)}</td></tr>`,
  )
  const hint = record.body.hint === null ? '' : `<p><b>What to do:</b> ${escapeLines(record.body.hint)}</p>\n`
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>${escapeHtml(record.subject)}</title></head>
<body style="font-family:sans-serif;font-size:15px;color:#111">
<h1 style="font-size:18px;color:${colour}">${escapeHtml(headline(record))}</h1>
<p>${escapeLines(record.body.message)}</p>
${hint}<table style="font-size:14px;border-collapse:collapse">
${rows.join('\n')}
</table>
</body></html>
`
}

/** Text for HTML element content and quoted attributes. */
function escapeHtml(text: string): string {
  const names: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }
  return plainText(text).replaceAll(/[&<>"']/g, character => names[character] ?? '')
}

function escapeLines(text: string): string {
  return escapeHtml(text).replaceAll('\n', '<br>\n')
}

function headline({ body }: AlertRecord): string {
  return plainLine(
    `${body.table ?? `Run ${body.pipeline_runId}`} ${body.status} in ${body.pipeline_name} (${body.target})`,
  )
}

function facts({ body }: AlertRecord): [string, string][] {
  const all: [string, string | null][] = [
    ['table', body.table],
    ['status', body.status],
    ['error', body.error_code],
    ['place', body.place],
    ['skipped', body.skipped.length === 0 ? null : skippedText(body.skipped)],
    ['pipeline', body.pipeline_name],
    ['target', body.target],
    ['run', body.pipeline_runId],
    ['time', body.time],
    ['since', body.failing_since === body.time ? null : body.failing_since],
  ]
  return all.flatMap(([name, value]) => (value === null ? [] : [[name, plainLine(value)] as [string, string]]))
}

function skippedText(tables: readonly string[]): string {
  const shown = tables.slice(0, 20).join(', ')
  return tables.length > 20 ? `${shown} and ${tables.length - 20} more` : shown
}
