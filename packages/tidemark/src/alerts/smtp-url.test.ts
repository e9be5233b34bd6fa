import { expect, test } from 'vitest'
import { parseSmtpUrl } from './smtp-url.ts'

test.each([
  ['smtp://mail.example.org', { host: 'mail.example.org', port: 587, tls: 'starttls' }],
  ['smtps://mail.example.org', { host: 'mail.example.org', port: 465, tls: 'implicit' }],
  [
    'smtp://u:p@mail.example.org:25/',
    { host: 'mail.example.org', port: 25, tls: 'starttls', user: 'u', password: 'p' },
  ],
  ['smtp://u%40x:p%3A%2F@h:2525?tls=off', { host: 'h', port: 2525, tls: 'off', user: 'u@x', password: 'p:/' }],
  ['smtp://u:p@ss/w?rd@h', { host: 'h', port: 587, tls: 'starttls', user: 'u', password: 'p@ss/w?rd' }],
  ['smtp://127.0.0.1:1025', { host: '127.0.0.1', port: 1025, tls: 'off' }],
  ['smtp://[::1]:1025?tls=starttls', { host: '::1', port: 1025, tls: 'starttls' }],
])('%s is read', (text, server) => {
  expect(parseSmtpUrl(text, 'mail')).toEqual(server)
})

test.each([
  'mailto:hunter2@h',
  'smtp://u:hunter2@',
  'smtp://u:hunter2@h:70000',
  'smtp://u:hunter2@h:0',
  'smtp://hunter2@h',
  'smtp://u:hunter2%@h',
  'smtp://u:hunter2@h?tls=maybe',
  'smtps://u:hunter2@h?tls=off',
  'smtp://u:hunter2@h h',
])('a wrong address is refused without repeating its password (%#)', text => {
  const error = thrownBy(() => parseSmtpUrl(text, 'mail'))
  expect(error).toMatchObject({ code: 'ALERT_SMTP_URL', exit: 2 })
  expect(JSON.stringify(error)).not.toContain('hunter2')
  expect(error instanceof Error && error.stack).not.toContain('hunter2')
})

function thrownBy(action: () => unknown): unknown {
  try {
    return action()
  } catch (error) {
    return error
  }
}
