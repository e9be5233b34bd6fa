/** docs/reference/errors.md from the catalogue. */
import { type AnyProblemKind, exampleOf } from '../../packages/tidemark/src/errors/catalogue.ts'
import { exitText, retryText } from '../../packages/tidemark/src/errors/render.ts'
import { pageHead } from './markdown.ts'

/** Every code with its example, way out and exit code, in the order of the catalogue. */
export function printErrors(catalogue: readonly AnyProblemKind[]): string {
  const intro = `
Every error has a code that stays the same for ever. \`tidemark explain CODE\` prints what stands here.
Exit codes: 0 done, 1 a step failed, 2 the project is wrong, 3 the environment is wrong.
`
  return [pageHead('Errors', 'packages/tidemark/src/errors'), intro, ...catalogue.map(printKind)].join('')
}

function printKind(kind: AnyProblemKind): string {
  const example = exampleOf(kind)
  const hint = example.hint === undefined ? '' : `\n**What to do:** ${escapeText(example.hint)}\n`
  return `
## ${kind.code}

**${escapeText(kind.title)}** ${retryText(kind.retry)} ${exitText(kind.exit)}

\`\`\`text
${example.message}
\`\`\`
${hint}`
}

/** Text as Markdown shows it: outside code, marks of emphasis and tags stay what was written. */
function escapeText(text: string): string {
  return text
    .split(/(`[^`]*`)/)
    .map((part, i) => (i % 2 === 1 ? part : part.replaceAll(/([*_<>[\]])/g, '\\$1')))
    .join('')
}
