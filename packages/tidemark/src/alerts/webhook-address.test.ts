import { expect, test } from 'vitest'
import { addressLiteral, isPublicAddress, publicLookup } from '../config/public-address.ts'

const refused = `
  127.0.0.1 10.1.2.3 172.16.0.1 172.31.255.255 192.168.1.1 169.254.169.254 100.64.0.1 0.0.0.0 224.0.0.1 255.255.255.255
  198.18.0.1 ::1 :: fe80::1 fd00::1 ff02::1 ::ffff:127.0.0.1 ::ffff:10.0.0.1 64:ff9b::a00:1 2002:7f00:1:: ::127.0.0.1 text`

test.each(refused.trim().split(/\s+/))('%s is refused', address => {
  expect(isPublicAddress(address)).toBe(false)
})

test.each(['1.1.1.1', '172.32.0.1', '100.128.0.1', '2606:4700::1111', '::ffff:1.1.1.1'])('%s is public', address => {
  expect(isPublicAddress(address)).toBe(true)
})

const disguised = `
  http://2130706433/ http://0x7f000001/ http://0177.0.0.1/ http://127.1/ http://１２７.０.０.１/
  http://[::ffff:7f00:1]/ http://[::1]/ http://[64:ff9b::7f00:1]/`

test.each(disguised.trim().split(/\s+/))('%s cannot hide its address', url => {
  const literal = addressLiteral(new URL(url).hostname)
  expect(literal).toBeDefined()
  expect(isPublicAddress(literal ?? '1.1.1.1')).toBe(false)
})

test('a name that resolves to a private address fails while the socket connects', async () => {
  const lookup = publicLookup(address => new Error(`refused ${address}`))
  const error = await new Promise(resolve => lookup('localhost', { all: true }, resolve))
  expect(String(error)).toMatch(/refused (127\.0\.0\.1|::1)/)
})
