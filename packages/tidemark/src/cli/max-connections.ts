/** `--max-connections`: how many connections to a source a command opens at once, whatever the project says. */
import { InvalidArgumentError, Option } from 'commander'

export function maxConnectionsOption(): Option {
  const description = 'connections to each PostgreSQL source at once, 2 or more; the others are read over one'
  return new Option('--max-connections <number>', description).argParser(readCount)
}

function readCount(text: string): number {
  const count = Number(text)
  if (!/^\d{1,4}$/.test(text) || count < 2)
    throw new InvalidArgumentError('write a whole number from 2 on: one keeps the snapshot, the others read')
  return count
}
