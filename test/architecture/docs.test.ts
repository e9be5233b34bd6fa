/** Documents say what is: their links lead somewhere, their commands exist, their projects load. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, posix } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { createProgram } from '../../packages/tidemark/src/cli/program.ts'
import { loadProject } from '../../packages/tidemark/src/config/load-project.ts'
import { catalogue, exampleOf, findProblemKind } from '../../packages/tidemark/src/errors/catalogue.ts'
import { loadFlows } from '../../packages/tidemark/src/flows/language/load-flows.ts'
import * as library from '../../packages/tidemark/src/index.ts'
import { noPorts } from '../../scripts/generate/no-ports.ts'
import { findAnchors, findCode, findCommands, findLinks, listPages, openPage, type Page } from './documents.ts'
import { listRepositoryFiles, readRepositoryFile } from './source-files.ts'

const pages = listPages()
const files = listRepositoryFiles()

function each(find: (page: Page) => readonly string[]): string[] {
  return pages.flatMap(page => find(page).map(what => `${page.path}: ${what}`))
}

describe('links and paths', () => {
  const exists = (path: string): boolean => files.some(file => file === path || file.startsWith(`${path}/`))

  const broken = (page: Page): string[] =>
    findLinks(page).filter(link => {
      const [file = '', anchor] = link.split('#')
      const path = file === '' ? page.path : posix.join(posix.dirname(page.path), file)
      if (!exists(path)) return true
      const target = pages.find(other => other.path === path)
      return anchor !== undefined && target !== undefined && !findAnchors(target).has(anchor)
    })

  it('lead to a file, and to a heading of it', () => {
    expect(each(broken)).toEqual([])
    expect(broken(openPage('README.md', 'See [a](docs/none.md), [b](#none) and [c](LICENSE).\n'))).toEqual([
      'docs/none.md',
      '#none',
    ])
  })

  it('named as code are files or folders of the repository', () => {
    const named = (page: Page): string[] =>
      findCode(page).filter(code => /^(packages|docs|examples|test|scripts|bench|\.ci)\/[\w./-]*$/.test(code))
    const missing = (page: Page): string[] =>
      named(page)
        .map(path => path.replace(/\/$/, ''))
        .filter(path => !exists(path) && !exists(posix.join(posix.dirname(page.path), path)))
    expect(each(named).length).toBeGreaterThan(20)
    expect(each(missing)).toEqual([])
  })

  it('reach every page from the README', () => {
    const reached = new Set(['README.md'])
    for (const path of reached) {
      const page = pages.find(other => other.path === path)
      if (page === undefined) continue
      for (const link of findLinks(page)) reached.add(posix.join(posix.dirname(path), link.replace(/#.*/, '')))
    }
    expect(pages.map(page => page.path).filter(path => path.startsWith('docs/') && !reached.has(path))).toEqual([])
  })
})

const program = await createProgram(noPorts)

describe('commands', () => {
  /** What is wrong with the arguments of a command line; undefined when the program has such a command and options. */
  function fault(line: string): string | undefined {
    const words = line.replaceAll(/"[^"]*"/g, 'text').split(/\s+/)
    const [name = '', sub = ''] = words
    if (/^-|^$/.test(name)) return undefined
    const command = program.commands.find(one => one.name() === name)
    if (command === undefined) return `there is no command ${name}`
    const last = command.commands.find(one => one.name() === sub) ?? command
    if (command.commands.length > 0 && last === command && /^[a-z]/.test(sub)) return `${name} has no ${sub}`
    const options = words.filter(word => /^--?[a-z]/.test(word)).map(word => word.replace(/=.*/, ''))
    const unknown = options.find(word => !last.options.some(option => option.short === word || option.long === word))
    return unknown === undefined || unknown === '--help' ? undefined : `${name} has no option ${unknown}`
  }

  it('of tidemark exist, with their options', () => {
    const typed = (page: Page): string[] =>
      findCommands(page, /^(?:.*&& |\$ )?(?:node_modules\/\.bin\/|npx )?tidemark(?: |$)/).filter(line => line !== '')
    const wrong = (page: Page): string[] => typed(page).flatMap(line => fault(line) ?? [])
    expect(each(typed).length).toBeGreaterThan(30)
    expect(each(wrong)).toEqual([])
    expect(fault('undo RUN')).toBe('there is no command undo')
    expect(fault('run --force')).toBe('run has no option --force')
    expect(fault('quarantine replay')).toBe('quarantine has no replay')
  })

  it('in the hints of errors exist, with the first of their options', () => {
    const command = /tidemark ([a-z]+(?: (?!lists\b)[a-z]+)?)(?:[^;:`]*?(--[a-z-]+))?/g
    const named = catalogue.flatMap(kind =>
      [...(exampleOf(kind).hint ?? '').matchAll(command)].map(([, words = '', option = '']) =>
        `${kind.code}: ${words.trim()} ${option}`.trimEnd(),
      ),
    )
    expect(named).toContain('QUERY_FAILED: tables schema')
    expect(named.filter(line => fault(line.replace(/^\w+: /, '')) !== undefined)).toEqual([])
  })

  it('of npm are scripts of the repository', () => {
    const { scripts } = JSON.parse(readRepositoryFile('package.json')) as { scripts: Record<string, string> }
    const missing = (page: Page): string[] =>
      findCommands(page, /^npm run /).filter(line => !Object.hasOwn(scripts, line.split(/[\s`]/)[0] ?? ''))
    expect(each(missing)).toEqual([])
  })

  it('that work are all in the table of the README', () => {
    const readme = openPage('README.md', readRepositoryFile('README.md'))
    const shown = new Set(findCommands(readme, /^tidemark /).map(line => line.split(' ')[0]))
    const names = program.commands.map(command => command.name())
    expect(names.filter(name => !shown.has(name))).toEqual([])
  })
})

describe('names', () => {
  it('of errors are in the catalogue', () => {
    const written = (page: Page): string[] =>
      [...page.prose.matchAll(/(?<![\w.])(?!APP_|SMTP_|TIDEMARK_|AZURE_)[A-Z]+(?:_[A-Z]+)+(?![\w(])/g)].map(
        match => match[0],
      )
    const guides = pages.filter(page => /^(README|docs\/(guides|decisions|reference\/changes))/.test(page.path))
    const unknown = guides.flatMap(page => written(page).filter(code => findProblemKind(code) === undefined))
    expect(guides.flatMap(written)).toContain('KEY_CHANGED')
    expect(unknown).toEqual([])
  })

  it('imported from tidemark are exported by it', () => {
    const blocks = pages.flatMap(page => page.blocks.filter(block => block.language === 'ts'))
    const imported = blocks.flatMap(({ text }) =>
      [...text.matchAll(/import \{([^}]*)\} from 'tidemark'/g)].flatMap(match => (match[1] ?? '').split(',')),
    )
    expect(imported.length).toBeGreaterThan(3)
    expect(imported.map(name => name.trim()).filter(name => !Object.hasOwn(library, name))).toEqual([])
  })
})

describe('projects', () => {
  const folders: string[] = []
  afterAll(() => {
    for (const folder of folders) rmSync(folder, { recursive: true, force: true })
  })

  const minimal = 'name: music\nsources:\n  app: { type: postgres, url: { secret: env:A }, tables: loop_input.json }\n'
  const list = '[{ "schema": "dbo", "table": "DimUser" }]'

  /** Load a project; what is wrong with it fails the test with its own words. */
  async function load(written: Readonly<Record<string, string>>): ReturnType<typeof loadProject> {
    const root = mkdtempSync(join(tmpdir(), 'tidemark-docs-'))
    folders.push(root)
    for (const [path, text] of Object.entries({ 'tidemark.yml': minimal, 'loop_input.json': list, ...written })) {
      mkdirSync(dirname(join(root, path)), { recursive: true })
      writeFileSync(join(root, path), text)
    }
    return await loadProject({ root, vars: {}, env: {}, loadFlows })
  }

  const blocks = pages
    .filter(page => /^(README\.md|docs\/(guides|reference\/changes)|packages\/tidemark\/)/.test(page.path))
    .flatMap(page => page.blocks.map((block, i) => ({ ...block, where: `${page.path} #${i + 1}`, page })))
  const written = (language: string): typeof blocks => blocks.filter(block => block.language === language)

  it.each(written('yaml').filter(({ text }) => /^(sources|alerts):/m.test(text)))(
    '$where loads',
    async ({ text, page }) => {
      const list = page.blocks.find(block => block.language === 'json')?.text
      const whole = text.includes('sources:') ? text : minimal + text
      const { project } = await load({
        'tidemark.yml': whole,
        ...(list === undefined ? {} : { 'loop_input.json': list }),
      })
      expect(project.tables.length).toBeGreaterThan(0)
    },
  )

  it.each(written('json'))('$where is a table list', async ({ text }) => {
    const { project } = await load({ 'loop_input.json': text })
    expect(project.tables).toHaveLength((JSON.parse(text) as unknown[]).length)
  })

  it.each(written('sql'))('$where is read as flows', async ({ text }) => {
    const { project } = await load({ 'gold/flow.sql': text })
    expect(project.flows.flatMap(source => source.datasets).length).toBeGreaterThan(0)
  })
})
