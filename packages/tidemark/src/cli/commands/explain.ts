/** `explain`: what an error code means and what to do about it. */
import type { Command } from 'commander'
import { catalogue } from '../../errors/catalogue.ts'
import { renderExplain } from '../../errors/render.ts'
import { printTable } from '../../report/table.ts'
import { wantsColour } from '../../report/terminal.ts'
import type { ProjectRoot } from '../open-project.ts'
import type { CliPorts } from '../ports.ts'

export function addExplainCommand(program: Command, ports: CliPorts, _at: ProjectRoot): void {
  program
    .command('explain')
    .description('say what an error code means; without a code, list them all')
    .argument('[code]', 'for example MASS_DELETE')
    .action((code: string | undefined) => {
      if (code !== undefined) {
        const colour = wantsColour(ports.stdout, ports.env)
        ports.stdout.write(`${renderExplain(code.toUpperCase(), { colour })}\n`)
        return
      }
      const rows = catalogue.map(kind => ({ code: kind.code, title: kind.title }))
      ports.stdout.write(printTable([{ name: 'code' }, { name: 'title' }], rows))
    })
}
