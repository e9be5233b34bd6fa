/** Pieces of work, a few at a time, in order of their numbers; the first that fails lets no other begin. */

export async function inLanes(count: number, lanes: number, work: (index: number) => Promise<void>): Promise<void> {
  let next = 0
  const failures: unknown[] = []
  const lane = async (): Promise<void> => {
    while (next < count && failures.length === 0) {
      const index = next
      next += 1
      await work(index).catch((error: unknown) => void failures.push(error))
    }
  }
  await Promise.all(Array.from({ length: Math.min(lanes, count) }, lane))
  if (failures.length > 0) throw failures[0]
}

/** What each item becomes, in their order. */
export async function mapInLanes<Item, Result>(
  items: readonly Item[],
  lanes: number,
  work: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = []
  await inLanes(items.length, lanes, async index => {
    results[index] = await work(items[index] as Item)
  })
  return results
}
