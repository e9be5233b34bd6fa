/** What the tests of documents look at: pages, and the links, headings, code and commands in them. Reads text only. */
import { listRepositoryFiles, readRepositoryFile } from './source-files.ts'

export interface Page {
  path: string
  text: string
  /** The text without fenced code. */
  prose: string
  blocks: readonly Block[]
}

/** A fenced block of code. */
export interface Block {
  language: string
  text: string
}

const FENCE = /^```(\w*)[^\n]*\n([\s\S]*?)^```/gm

/** Every page of the repository written in Markdown. */
export function listPages(): Page[] {
  return listRepositoryFiles()
    .filter(path => path.endsWith('.md'))
    .map(path => openPage(path, readRepositoryFile(path)))
}

export function openPage(path: string, text: string): Page {
  const blocks = [...text.matchAll(FENCE)].map(([, language = '', code = '']) => ({ language, text: code }))
  return { path, text, prose: text.replaceAll(FENCE, ''), blocks }
}

/** Targets of links in prose, those to other sites left out. */
export function findLinks({ prose }: Page): string[] {
  const links = [...prose.replaceAll(/`[^`\n]*`/g, '').matchAll(/\]\(([^)\s]+)\)/g)].map(match => match[1] ?? '')
  return links.filter(link => !/^[a-z]+:/.test(link))
}

/** Anchors of a page's headings, as the common forges make them. */
export function findAnchors({ prose }: Page): Set<string> {
  const headings = [...prose.matchAll(/^#+ +(.+)$/gm)].map(match => match[1] ?? '')
  return new Set(
    headings.map(heading =>
      heading
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
        .trim()
        .replaceAll(/\s/g, '-'),
    ),
  )
}

/** Text between single backticks. */
export function findCode({ prose }: Page): string[] {
  return [...prose.matchAll(/`([^`\n]+)`/g)].map(match => match[1] ?? '')
}

/** Command lines a page tells to type: code that begins with the program's name, and such lines of fenced blocks. */
export function findCommands(page: Page, program: RegExp): string[] {
  const lines = page.blocks.filter(block => block.language === '').flatMap(block => block.text.split('\n'))
  return [...findCode(page), ...lines].flatMap(line => {
    const match = program.exec(line)
    return match === null
      ? []
      : [
          line
            .slice(match[0].length)
            .replace(/\s+#.*$/, '')
            .trim(),
        ]
  })
}
