/** `--limit`: how many lines of a listing are shown. */
import { InvalidArgumentError, Option } from 'commander'

const LIMIT = 20

export function limitOption(description: string): Option {
  return new Option('-n, --limit <count>', description).default(LIMIT).argParser(readCount)
}

function readCount(text: string): number {
  const count = Number(text)
  if (!/^\d{1,9}$/.test(text) || count < 1) throw new InvalidArgumentError('write a whole number from 1 on')
  return count
}
