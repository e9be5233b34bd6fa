/**
 * A scenario: a folder that tells a story, step by step in the order of the file names. test/scenarios/README.md is the
 * format; this file reads it, a line that it does not know is an error.
 */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'

export interface Scenario {
  folder: string
  /** What is promised: the heading of its README. */
  promise: string
  steps: readonly ScenarioStep[]
}

export type ScenarioStep =
  | { kind: 'sql'; file: string; parts: readonly SqlPart[] }
  | { kind: 'commands'; file: string; commands: readonly Command[] }
  /** Expected rows of a table of the lake; the columns are those of the file. */
  | { kind: 'table'; file: string; table: string; columns: readonly string[] }
  /** Files put into the project, over those that are there. */
  | { kind: 'files'; file: string }

/** Statements for one connection: the one that every file begins with, or one that stays open under its name. */
export interface SqlPart {
  session: string | undefined
  text: string
}

/** A line such as `tidemark run   # exit 1, MASS_DELETE`. */
export interface Command {
  line: string
  args: readonly string[]
  exit: number
  /** Texts that the command prints, on standard output or error. */
  says: readonly string[]
}

export async function readScenario(folder: string): Promise<Scenario> {
  const readme = await readFile(join(folder, 'README.md'), 'utf8')
  const promise = /^# (.+)$/m.exec(readme)?.[1]
  if (promise === undefined) throw new Error(`${folder}/README.md has no heading`)
  const entries = await readdir(folder, { withFileTypes: true })
  const steps = entries.filter(({ name }) => name !== 'README.md' && name !== 'project')
  const sorted = steps.toSorted((a, b) => (a.name < b.name ? -1 : 1))
  return {
    folder,
    promise,
    steps: await Promise.all(sorted.map(entry => readStep(folder, entry.name, entry.isDirectory()))),
  }
}

async function readStep(folder: string, file: string, isFolder: boolean): Promise<ScenarioStep> {
  const [, ending] = /^\d\d-.+?(\.sql|\.txt|\.csv)?$/.exec(file) ?? []
  if (isFolder && ending === undefined) return { kind: 'files', file }
  const text = isFolder || ending === undefined ? '' : await readFile(join(folder, file), 'utf8')
  switch (ending) {
    case '.sql':
      return { kind: 'sql', file, parts: parseSql(text) }
    case '.txt':
      return { kind: 'commands', file, commands: text.split('\n').filter(isFilled).map(parseCommand) }
    case '.csv':
      return { kind: 'table', file, table: file.slice(3, -4), columns: (text.split('\n')[0] ?? '').split(',') }
    default:
      throw new Error(
        `${folder}/${file} is no step: a step is named like 01-input.sql, 02-run.txt, 03-silver.t.csv or 04-files/`,
      )
  }
}

/** `-- session writer` begins the statements of another connection. */
function parseSql(text: string): SqlPart[] {
  const [first = '', ...rest] = text.split(/^-- session (\w+)$/m)
  const parts: SqlPart[] = isFilled(first) ? [{ session: undefined, text: first }] : []
  for (let i = 0; i < rest.length; i += 2) parts.push({ session: rest[i], text: rest[i + 1] ?? '' })
  return parts
}

function parseCommand(line: string): Command {
  const [written = '', comment = ''] = line.split('#')
  const [program, ...args] = [...written.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, bare]) => quoted ?? bare ?? '')
  if (program !== 'tidemark') throw new Error(`a command begins with tidemark: ${line}`)
  const notes = comment
    .split(',')
    .map(note => note.trim())
    .filter(isFilled)
  const exit = notes.find(note => /^exit \d+$/.test(note))
  return { line, args, exit: Number(exit?.slice(5) ?? 0), says: notes.filter(note => note !== exit) }
}

const isFilled = (text: string): boolean => text.trim() !== ''
