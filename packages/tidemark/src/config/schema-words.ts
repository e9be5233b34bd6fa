/** The words that tidemark.yml is described in wherever texts may be secrets. */
import { z } from 'zod'

/** A text, or where the text is kept. */
export type SecretInput = string | { secret: string }

export const filled = (expected: string): z.ZodString => z.string({ error: expected }).min(1, { error: expected })
export const secret: z.ZodType<SecretInput> = z.union(
  [filled('a text'), z.strictObject({ secret: filled('env:NAME, file:path, azure-kv:vault/name or aws-sm:name') })],
  { error: 'a text or { secret: env:NAME }' },
)
/** A secret that is never written out. */
export const reference: z.ZodType<{ secret: string }> = z.strictObject(
  { secret: filled('env:NAME, file:path, azure-kv:vault/name or aws-sm:name') },
  { error: 'a reference such as { secret: env:NAME }' },
)
export const flag: z.ZodBoolean = z.boolean({ error: 'true or false' })
