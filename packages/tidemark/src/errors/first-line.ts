/** What an error says at first: below it there are often statements and stacks, which are for nobody to read. */
export function firstLine(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error)
  return message.split('\n', 1)[0] ?? message
}
