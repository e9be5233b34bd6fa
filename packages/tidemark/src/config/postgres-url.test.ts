import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Problem } from '../errors/problem.ts'
import { parsePostgresUrl } from './postgres-url.ts'

describe('a connection URL', () => {
  test('is taken apart, each part decoded, the password wrapped', () => {
    const url = parsePostgresUrl(
      'postgresql://ap%40p:p%2Fw%25@[::1]:6543/my%20db?sslmode=verify-full&connect_timeout=5&application_name=x&sslrootcert=/ca.pem',
    )
    expect(url).toMatchObject({
      host: '::1',
      port: 6543,
      database: 'my db',
      user: 'ap@p',
      sslmode: 'verify-full',
      connectTimeoutSeconds: 5,
      applicationName: 'x',
      sslrootcert: '/ca.pem',
    })
    expect(url.password?.reveal()).toBe('p/w%')
  })
  test('needs neither port nor password, and an @ in the password is understood', () => {
    expect(parsePostgresUrl('postgres://app@db.example.org/music')).toEqual({
      host: 'db.example.org',
      port: 5432,
      database: 'music',
      user: 'app',
    })
    expect(parsePostgresUrl('postgres://app:a@b@db/music').password?.reveal()).toBe('a@b')
  })
  test.each([
    ['mysql://app:hunter2@db/x', 'does not begin with postgres://'],
    ['postgres://app:hunter2@db', 'names no database'],
    ['postgres://:hunter2@db/x', 'names no user'],
    ['postgres://db/x', 'names no user'],
    ['postgres://app:hunter2@/x', 'names no host'],
    ['postgres://app:hunter2@a,b/x', 'several hosts'],
    ['postgres://app:hunter2@db:x1/x', 'host or port that cannot be read'],
    ['postgres://app:hunter2@db:70000/x', 'between 1 and 65535'],
    ['postgres://app:hunter2/y@db/x', 'must be percent-encoded'],
    ['postgres://app:hunter2?y@db/x', 'must be percent-encoded'],
    ['postgres://app:hunter2#y@db/x', '%23'],
    ['postgres://app:hunter2%@db/x', '%25'],
    ['postgres://app:hunter2 @db/x', 'blank'],
    ['postgres://app:hunter2@db/x?uselibpqcompat=true&sslmode=require', 'uselibpqcompat'],
    ['postgres://app:hunter2@db/x?sslmode=prefer', 'sslmode other than'],
    ['postgres://app:hunter2@db/x?options=-csearch_path%3Dhunter2', 'a parameter other than'],
    ['postgres://app:hunter2@db/x?sslmode=require&sslmode=disable', 'twice'],
    ['postgres://app:hunter2@%2Ftmp/x', 'socket'],
  ])('%s is refused without being repeated', (text, reason) => {
    try {
      parsePostgresUrl(text)
      expect.unreachable()
    } catch (error) {
      expect(error).toBeInstanceOf(Problem)
      const problem = error as Problem
      expect(problem.message).toContain(reason)
      expect(`${problem.message}${problem.hint}${JSON.stringify(problem.params)}${problem.cause}`).not.toContain(
        'hunter2',
      )
    }
  })
  test('whatever user, password and database are, percent-encoded they come back', () => {
    const part = fc
      .string({ minLength: 1, unit: 'grapheme' })
      .filter(text => text.isWellFormed() && !text.includes('\0'))
    fc.assert(
      fc.property(
        part,
        part,
        part.filter(text => !text.includes('/')),
        (user, password, database) => {
          const url = parsePostgresUrl(
            `postgres://${[user, password].map(encodeURIComponent).join(':')}@db/${encodeURIComponent(database)}`,
          )
          expect({ ...url, password: url.password?.reveal() }).toEqual({
            host: 'db',
            port: 5432,
            user,
            password,
            database,
          })
        },
      ),
    )
  })
})
