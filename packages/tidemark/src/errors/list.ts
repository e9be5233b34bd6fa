/** Problems with a table list: its form, the address it is fetched from, the names its tables get in the lake. */
import { type ProblemKind, problem } from './problem.ts'

export const LIST_SHAPE: ProblemKind<{ reason: string }> = problem<{ reason: string }>({
  code: 'LIST_SHAPE',
  title: 'This is not a table list.',
  message: p => `The table list ${p.reason}.`,
  hint: () =>
    'Write a list of entries: [{ "schema": "public", "table": "orders", "cdc_col": "updated_at", "from_date": "" }].',
  retry: 'after-change',
  exit: 2,
  example: { reason: 'is one text, not a list of entries' },
})

export const LIST_EMPTY: ProblemKind<{ source: string }> = problem<{ source: string }>({
  code: 'LIST_EMPTY',
  title: 'A table list is empty.',
  message: p => `Source ${p.source} lists no table, so nothing is read from it.`,
  hint: () => 'Add an entry, or `{ "schema": "public", "table": "*" }` for every table of a schema.',
  retry: 'after-change',
  exit: 2,
  example: { source: 'app' },
})

interface ListUnreachable {
  host: string
  reason: string
  hint?: string | undefined
  /** It may succeed the next time. */
  isPassing?: boolean
}

export const LIST_UNREACHABLE: ProblemKind<ListUnreachable> = problem<ListUnreachable>({
  code: 'LIST_UNREACHABLE',
  title: 'The table list could not be fetched.',
  message: p => `${p.host} ${p.reason}.`,
  hint: p => p.hint ?? 'Check the address and the network, or keep a copy of the list in the project.',
  retry: 'later',
  exit: 3,
  example: { host: 'lists.example.org', reason: 'answered 404', hint: 'Give the address of the raw file.' },
})

export const LIST_COPY_USED: ProblemKind<{ reason: string; hash: string; at: string }> = problem<{
  reason: string
  hash: string
  at: string
}>({
  code: 'LIST_COPY_USED',
  title: 'The table list could not be fetched; the last copy of it is used.',
  message: p => `${p.reason} The copy is of ${p.at}, SHA-256 ${p.hash}.`,
  hint: () => 'Tables listed or changed since then are not known. Check the address and the network.',
  retry: 'later',
  exit: 3,
  example: {
    reason: 'lists.example.org did not answer within 10 s.',
    hash: 'b5bb9d8014a0f9b1d61e21e796d78dccdf1352f23cd32812f4850b878ae4944c',
    at: '2026-11-22T12:00:00.000Z',
  },
})

interface ListChanged {
  source: string
  difference: string
  hash: string
}

export const LIST_CHANGED: ProblemKind<ListChanged> = problem<ListChanged>({
  code: 'LIST_CHANGED',
  title: 'The table list at an address is not the one that was accepted.',
  message: p => `The table list of source ${p.source} changed; ${p.difference}. Its SHA-256 is ${p.hash}.`,
  hint: p =>
    `If that is wanted, accept it: \`tidemark run --accept-list ${p.hash.slice(0, 12)}\`; \`plan\` takes it too.`,
  retry: 'after-change',
  exit: 2,
  example: {
    source: 'app',
    difference: 'added: public.invoices; changed: public.orders',
    hash: 'b5bb9d8014a0f9b1d61e21e796d78dccdf1352f23cd32812f4850b878ae4944c',
  },
})

export const LIST_HASH_UNKNOWN: ProblemKind<{ hash: string }> = problem<{ hash: string }>({
  code: 'LIST_HASH_UNKNOWN',
  title: 'No table list at an address has the hash that is to be accepted.',
  message: p => `No table list has a SHA-256 that begins with ${p.hash}.`,
  hint: () => 'Perhaps the list changed again: look at `tidemark plan`, which names the hash it has now.',
  retry: 'after-change',
  exit: 2,
  example: { hash: 'b5bb9d8014a0' },
})

export const LIST_ADDRESS_REFUSED: ProblemKind<{ host: string; address: string }> = problem<{
  host: string
  address: string
}>({
  code: 'LIST_ADDRESS_REFUSED',
  title: 'The table list is at an address in a private network.',
  message: p => `${p.host} is ${p.address}, which is not a public address.`,
  hint: () => 'If the list really is in your own network, write `tables: { url: …, allow_private: true }`.',
  retry: 'after-change',
  exit: 2,
  example: { host: 'lists.example.org', address: '169.254.169.254' },
})

export const LIST_INSECURE: ProblemKind<{ host: string }> = problem<{ host: string }>({
  code: 'LIST_INSECURE',
  title: 'The table list is fetched without encryption.',
  message: p => `The list comes from ${p.host} over http: anyone on the way can change which tables are read.`,
  hint: () => 'Use an https address, or keep the list in the project.',
  retry: 'after-change',
  exit: 2,
  example: { host: 'lists.example.org' },
})

export const LAKE_NAME_TAKEN: ProblemKind<{ name: string; table: string; first: string }> = problem<{
  name: string
  table: string
  first: string
}>({
  code: 'LAKE_NAME_TAKEN',
  title: 'Two tables have one name in the lake.',
  message: p =>
    `${p.table} would be ${p.name} in the lake, and so is the entry at ${p.first}. Names that differ only in case are the same.`,
  hint: () => 'Give one entry a `name:`, or give its source a `prefix:`.',
  retry: 'after-change',
  exit: 2,
  example: { name: 'orders', table: 'sales.orders', first: 'loop_input.json:2' },
})
