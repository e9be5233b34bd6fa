/** docs/reference/commands.md from the definition of the command line. */
import type { createProgram } from '../../packages/tidemark/src/cli/program.ts'
import { code, pageHead, printMarkdownTable } from './markdown.ts'

type Command = Awaited<ReturnType<typeof createProgram>>

/** Every command that works, with its arguments and options; what `--help` hides is left out here too. */
export function printCommands(program: Command): string {
  const help = program.createHelp()
  const commands = help.visibleCommands(program).filter(command => command.name() !== 'help')
  const index = commands.map(command => [
    `[${command.name()}](#${command.name()})`,
    command.summary() || command.description(),
  ])
  return `${pageHead('Commands', 'the command line itself')}
Results go to stdout, everything else to stderr. Exit codes: 0 done, 1 a step failed, 2 the project is wrong, 3 the
environment is wrong.

${printMarkdownTable(['command', 'what it does'], index)}
${printOptions('Without a command', program, program)}
${commands.map(command => printCommand(program, command)).join('\n')}`
}

function printCommand(program: Command, command: Command, parents = ''): string {
  const help = program.createHelp()
  const name = `${parents}${command.name()}`
  const children = help.visibleCommands(command).filter(child => child.name() !== 'help')
  const usage = `${program.name()} ${name} ${command.usage()}`.trim()
  const args = help.visibleArguments(command).map(one => [code(one.name()), help.argumentDescription(one)])
  return [
    `${parents === '' ? '##' : '###'} ${name}\n`,
    `${command.description()}\n`,
    `\`\`\`\n${usage}\n\`\`\`\n`,
    ...(args.length === 0 ? [] : [printMarkdownTable(['argument', 'meaning'], args)]),
    printOptions('', command, program),
    ...children.map(child => printCommand(program, child, `${name} `)),
  ].join('\n')
}

function printOptions(title: string, command: Command, program: Command): string {
  const help = program.createHelp()
  const options = help.visibleOptions(command).filter(option => command === program || option.long !== '--help')
  if (options.length === 0) return ''
  const rows = options.map(option => [code(help.optionTerm(option)), help.optionDescription(option)])
  return `${title === '' ? '' : `## ${title}\n\n`}${printMarkdownTable(['option', 'meaning'], rows)}`
}
