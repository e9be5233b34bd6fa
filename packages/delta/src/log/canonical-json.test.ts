import fc from 'fast-check'
import { expect, test } from 'vitest'
import { canonicalJson, jsonChecksum } from './canonical-json.ts'

test("the protocol's sample has its canonical form and its digest", () => {
  const sample = `{"k0":"'v 0'", "checksum": "adsaskfljadfkjadfkj", "k1":{"k2": 2, "k3": ["v3", [1, 2], {"k4": "v4", "k5": ["v5", "v6", "v7"]}]}}`
  expect(canonicalJson(sample)).toBe(
    '"k0"="%27v%200%27","k1"+"k2"=2,"k1"+"k3"+0="v3","k1"+"k3"+1+0=1,"k1"+"k3"+1+1=2,"k1"+"k3"+2+"k4"="v4",' +
      '"k1"+"k3"+2+"k5"+0="v5","k1"+"k3"+2+"k5"+1="v6","k1"+"k3"+2+"k5"+2="v7"',
  )
  expect(jsonChecksum(sample)).toBe('6a92d155a59bf2eecbd4b4ec7fd1f875')
})

test('numbers keep the text they have, and only a checksum at the top is left out', () => {
  expect(canonicalJson('{"b":1.0,"a":12345678901234567890,"c":{"checksum":"x"},"checksum":1,"n":null,"t":true}')).toBe(
    '"a"=12345678901234567890,"b"=1.0,"c"+"checksum"="x","n"=null,"t"=true',
  )
})

test('the order of keys and the spaces between them change nothing', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue(), { noNullPrototype: true }), value => {
      const turned = Object.fromEntries(Object.entries(value).reverse())
      expect(jsonChecksum(JSON.stringify(turned, undefined, 2))).toBe(jsonChecksum(JSON.stringify(value)))
    }),
  )
})
