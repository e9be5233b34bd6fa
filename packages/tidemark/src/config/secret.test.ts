import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import fc from 'fast-check'
import { afterAll, describe, expect, test } from 'vitest'
import { Problem } from '../errors/problem.ts'
import { makeRedactor, maskLiteralSecrets } from './redact.ts'
import { openSecret, openText, parseSecretRef, printSecretRef, secretOf } from './secret.ts'

const root = mkdtempSync(join(tmpdir(), 'tidemark-secret-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))

describe('a secret', () => {
  test('shows its value to reveal and to nothing else', () => {
    const secret = secretOf('hunter2')
    expect(secret.reveal()).toBe('hunter2')
    const shown = [
      `${secret}`,
      JSON.stringify({ secret }),
      inspect({ secret }),
      inspect(secret, { showHidden: true }),
      String(secret),
    ]
    expect(shown.join()).not.toContain('hunter2')
    expect(JSON.stringify({ secret })).toBe('{"secret":"***"}')
  })
  test('comes from the environment, or from a file without the newline at its end', () => {
    writeFileSync(join(root, 'password'), 'a b\n\n')
    const context = { env: { PW: 'x y ' }, root }
    expect(openSecret({ kind: 'env', name: 'PW' }, context).reveal()).toBe('x y ')
    expect(openSecret({ kind: 'file', path: 'password' }, context).reveal()).toBe('a b\n')
    expect(openText({ secret: { kind: 'env', name: 'PW' } }, context).reveal()).toBe('x y ')
    expect(openText('plain', context).reveal()).toBe('plain')
  })
  test.each([
    [{ kind: 'env', name: 'NONE' } as const, 'Secret env:NONE is not set.', 'Set NONE'],
    [{ kind: 'env', name: 'EMPTY' } as const, 'Secret env:EMPTY is empty.', 'Set EMPTY'],
    [{ kind: 'file', path: 'none' } as const, 'Secret file:none does not exist.', 'Put the value'],
    [{ kind: 'file', path: '.' } as const, 'Secret file:. cannot be read.', 'Put the value'],
  ])('that is missing is a problem of the environment with a way out: %o', (ref, message, hint) => {
    const open = () => openSecret(ref, { env: { EMPTY: ' ' }, root })
    expect(open).toThrow(
      expect.objectContaining({ code: 'SECRET_MISSING', exit: 3, message, hint: expect.stringContaining(hint) }),
    )
  })
  test('is referred to by env:, file:, azure-kv: and aws-sm:, and the text of anything else is not repeated', () => {
    const vaults = [
      'azure-kv:music/app-url',
      'azure-kv:music/app-url/0a1b',
      'aws-sm:music/app-url',
      'aws-sm:music/app#password',
      'aws-sm:arn:aws-cn:secretsmanager:cn-north-1:123456789012:secret:music/app-AbCdEf#user.name',
      'azure-kv:https://music.vault.azure.cn/secrets/x/1',
    ]
    for (const text of ['env:A_1', 'file:/run/secrets/x', ...vaults]) {
      const ref = parseSecretRef(text)
      expect(ref instanceof Problem ? ref : printSecretRef(ref)).toBe(text)
    }
    expect(parseSecretRef('azure-kv:https://Music.vault.azure.net/secrets/x')).toEqual(
      parseSecretRef('azure-kv:music/x'),
    )
    for (const text of [
      'hunter2',
      'env:a b',
      'AKIA1234',
      'vault:x',
      'azure-kv:hunter2',
      'aws-sm:hunter2 hunter3',
      'aws-sm:hunter2#',
      'aws-sm:#hunter2',
      'aws-sm:https://u:p@hunter2/secret',
      'azure-kv:m/../x',
      'azure-kv:http://m.vault.azure.net/secrets/x',
      'azure-kv:https://u:p@m/secrets/x',
    ]) {
      const problem = parseSecretRef(text) as Problem
      expect(problem).toMatchObject({ code: 'SECRET_FORM' })
      expect(`${problem.message}${problem.hint}${JSON.stringify(problem.params)}`).not.toContain(text)
    }
  })
})

describe('the redactor', () => {
  const password = 'p@ss/w"ö\\rd +'
  const redact = makeRedactor([
    secretOf(`postgres://app:${encodeURIComponent(password)}@db/x`),
    secretOf('abc'),
    secretOf('token-é-1234'),
  ])
  test.each([
    ['as it is', password],
    ['URL-encoded', encodeURIComponent(password)],
    ['inside JSON', JSON.stringify({ password })],
    ['in base64', Buffer.from(password).toString('base64')],
    ['inside a basic authorization header', Buffer.from(`app:${password}:x`).toString('base64')],
    ['in base64 for URLs', Buffer.from(password).toString('base64url')],
  ])('masks the password of a URL %s', (_, text) => {
    const shown = redact(`before ${text} after`)
    expect(shown).toContain('***')
    expect(shown).toMatch(/^before .* after$/)
    expect(shown).not.toContain(text)
    expect(Buffer.from(shown.slice(7, -6), 'base64').toString()).not.toContain('ss/w')
  })
  test.each([
    `DefaultEndpointsProtocol=https;AccountName=a;AccountKey=k3y/k3y+k3y==;EndpointSuffix=core.windows.net`,
    '?sv=2026-01-01&sp=rl&sig=k3y%2Fk3y%2Bk3y%3D%3D',
    'sig=k3y%2Fk3y%2Bk3y%3D%3D&sv=2026-01-01',
  ])('masks what opens a store alone, out of %s', secret => {
    const mask = makeRedactor([secretOf(secret)])
    for (const form of ['k3y/k3y+k3y==', 'k3y%2Fk3y%2Bk3y%3D%3D'])
      expect(mask(`GET /lake?x=${form}&sv=2026-01-01`)).toBe('GET /lake?x=***&sv=2026-01-01')
  })
  test('leaves the words of a message when a password is no more than the name of its user', () => {
    const mask = makeRedactor([secretOf('postgres://postgres:postgres@localhost/shop')])
    expect(mask('type: postgres')).toBe('type: postgres')
    expect(mask('cannot open postgres://postgres:postgres@localhost/shop')).toBe('cannot open ***')
  })
  test('leaves values too short to be secrets, and all other text', () => {
    expect(redact('abc is a word, and 1234 a number')).toBe('abc is a word, and 1234 a number')
    expect(makeRedactor([])('x')).toBe('x')
  })
  test('leaves no form of any secret in any text', () => {
    const value = fc
      .string({ minLength: 4, maxLength: 20, unit: 'grapheme' })
      .filter(text => text.isWellFormed() && !'***'.includes(text) && !text.includes('*'))
    fc.assert(
      fc.property(value, fc.string(), fc.string(), (secret, before, after) => {
        const mask = makeRedactor([secretOf(secret)])
        for (const form of [secret, encodeURIComponent(secret), JSON.stringify(secret).slice(1, -1)]) {
          expect(mask(`${before}|${form}|${after}`)).not.toContain(`|${form}|`)
        }
      }),
    )
  })
})

test.each([
  ['url: postgres://app:hun:t@er2@db/x', 'url: postgres://app:*********@db/x'],
  ['see http://example.org/a:b@c and https://x:443/y', 'see http://example.org/a:b@c and https://x:443/y'],
  ['    password: hunter2', '    password: *******'],
  ['{ "password": "h,2", "user": "u" }', '{ "password": *****, "user": "u" }'],
  ['{ user: u, password: hunter2 }', '{ user: u, password: ********}'],
  ['password: { secret: env:PW }', 'password: { secret: env:PW }'],
  ['{ "secret": "file:/run/pw" }', '{ "secret": "file:/run/pw" }'],
  ['url: { secret: hunter2, x: y }', 'url: { secret: *******, x: y }'],
  ['{ "secret": "hunter2" }', '{ "secret": ********* }'],
  ['hook: { webhook: https://h.example.org/a?sig=hunter2 }', 'hook: { webhook: ************************************}'],
  ['sign: whsec_hunter2', 'sign: *************'],
  ['  account_key: aGk=', '  account_key: ****'],
  ['  sas: { secret: env:SAS }', '  sas: { secret: env:SAS }'],
  [
    '  url: "https://a.blob.core.windows.net/c/list.json?sv=1&sig=aGk%3D"',
    '  url: "https://a.blob.core.windows.net/c/list.json?sv=1&sig=******"',
  ],
  ['x: AccountName=a;AccountKey=aGk=;EndpointSuffix=b', 'x: AccountName=a;AccountKey=****;EndpointSuffix=b'],
  ['SELECT sign(n), password FROM t', 'SELECT sign(n), password FROM t'],
])('a line that is shown hides what it should not hold, at its full length: %s', (line, shown) => {
  expect(maskLiteralSecrets(line)).toBe(shown)
  expect(shown).toHaveLength(line.length)
})
