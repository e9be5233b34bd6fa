/** `--accept-list`: which changed table list is meant, by its hash, so that nothing else is accepted unseen. */
import { InvalidArgumentError, Option } from 'commander'
import { HASH_DIGITS } from '../run/accepted-lists.ts'

export function acceptListOption(description: string): Option {
  return new Option('--accept-list <hash...>', description).argParser(collectHash)
}

function collectHash(text: string, earlier: readonly string[] = []): readonly string[] {
  const hash = text.toLowerCase()
  if (!/^[0-9a-f]{1,64}$/.test(hash) || hash.length < HASH_DIGITS)
    throw new InvalidArgumentError(`write ${HASH_DIGITS} or more hex digits of the SHA-256 that plan names`)
  return [...earlier, hash]
}
