/** "Did you mean": the known word that is closest to what was written. */

/**
 * The closest of `known`, or undefined when nothing is close. Case, `-` and `_` do not count; a third of the letters may
 * differ, never all. Ties go to a word that begins with the same letter, then to the earlier one.
 */
export function suggest(written: string, known: readonly string[]): string | undefined {
  const wanted = fold(written)
  let best: { word: string; score: number } | undefined
  for (const word of known) {
    const folded = fold(word)
    const distance = editDistance(wanted, folded)
    const longest = Math.max(wanted.length, folded.length)
    if (distance >= longest || distance > Math.max(1, Math.floor(longest / 3))) continue
    const score = distance + (wanted[0] === folded[0] ? 0 : 0.5)
    if (best === undefined || score < best.score) best = { word, score }
  }
  return best?.word
}

function fold(word: string): string {
  return word
    .slice(0, 64)
    .toLowerCase()
    .replaceAll(/[-_\s]/g, '')
}

/** Insertions, deletions, replacements and swaps of neighbours, each counting one. */
function editDistance(a: string, b: string): number {
  let beforeLast: number[] = []
  let last = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const cost = a[i - 1] === b[j - 1] ? 0 : 1
      let least = Math.min((last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (last[j - 1] ?? 0) + cost)
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        least = Math.min(least, (beforeLast[j - 2] ?? 0) + 1)
      row.push(least)
    }
    beforeLast = last
    last = row
  }
  return last[b.length] ?? 0
}
