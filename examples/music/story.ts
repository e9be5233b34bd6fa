/** How the demo speaks: plain lines on standard output, headings, and tables with aligned columns. */

export function say(...lines: readonly string[]): void {
  process.stdout.write(`${lines.join('\n')}\n`)
}

export function heading(text: string): void {
  say('', text, '─'.repeat(text.length))
}

/** Lines that hang under the line before them. */
export function list(lines: readonly string[]): void {
  for (const line of lines) say(`  · ${line}`)
}

/** Rows under their column names; numbers stand right, everything else left. */
export function table(names: readonly string[], rows: readonly (readonly (string | number)[])[]): void {
  const texts = [names, ...rows].map(row => row.map(cell => (typeof cell === 'number' ? grouped(cell) : cell)))
  const widths = names.map((_, i) => Math.max(...texts.map(row => (row[i] ?? '').length)))
  for (const row of texts) {
    const cells = row.map((cell, i) => {
      const width = widths[i] ?? 0
      return typeof rows[0]?.[i] === 'number' ? cell.padStart(width) : cell.padEnd(width)
    })
    say(`  ${cells.join('   ').trimEnd()}`)
  }
}

/** A count for people: `11865` is `11,865`. */
export function grouped(count: number): string {
  return String(count).replaceAll(/\B(?=(\d{3})+$)/g, ',')
}
