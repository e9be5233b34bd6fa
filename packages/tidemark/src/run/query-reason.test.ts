import { expect, test } from 'vitest'
import { queryReason } from './query-reason.ts'

test.each([
  [
    'Binder Error: Referenced column "itm" not found in FROM clause!\nCandidate bindings: "item", "id", "_ingested_at"\n\nLINE 1: SELECT itm FROM (SELECT',
    'There is no column itm in the tables of the query. Did you mean item?',
  ],
  [
    'Binder Error: Referenced column "q" not found in FROM clause!\nCandidate bindings: "id"',
    'There is no column q in the tables of the query.',
  ],
  [
    'Binder Error: Referenced column "a ""b" not found in FROM clause!',
    'There is no column a ""b in the tables of the query.',
  ],
  ['Binder Error: Values list "u" does not have a column named "idd"\n\nLINE 1: SELECT', 'u has no column idd.'],
  [
    'Catalog Error: Scalar Function with name nofunc does not exist!\nDid you mean "count"?',
    'There is no function nofunc.',
  ],
  [
    "Conversion Error: Could not convert string 'abc' to INT64\n\nLINE 1: SELECT *",
    "Conversion Error: Could not convert string 'abc' to INT64",
  ],
])('%j is told in words of the query', (message, reason) => {
  expect(queryReason(message)).toBe(reason)
})
