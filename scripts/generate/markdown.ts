/** Pieces of the generated pages: the line that says so, and tables whose cells cannot break them. */

/** First lines of every generated page. */
export function pageHead(title: string, source: string): string {
  return `# ${title}\n\n<!-- Generated from ${source} by \`npm run generate\`; edit the source, not this page. -->\n`
}

/** A table; a cell may hold Markdown, but no line ends and no bare bars. */
export function printMarkdownTable(heading: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.map(cellText).join(' | ')} |`
  return [line(heading), `|${' --- |'.repeat(heading.length)}`, ...rows.map(line), ''].join('\n')
}

/** Text as code; a backtick inside gets longer fences around it. */
export function code(text: string): string {
  return text.includes('`') ? `\`\` ${text} \`\`` : `\`${text}\``
}

function cellText(text: string): string {
  return text
    .replaceAll(/\s*\n\s*/g, ' ')
    .replaceAll(/(?<!\\)\|/g, '\\|')
    .trim()
}
