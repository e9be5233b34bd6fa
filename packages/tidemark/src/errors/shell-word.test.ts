import { execFileSync } from 'node:child_process'
import { expect, test } from 'vitest'
import { MASS_DELETE } from './ingest.ts'
import { shellWord } from './shell-word.ts'

test.skipIf(process.platform === 'win32')(
  'a shell gives back every name, and ordinary ones are written as they are',
  () => {
    const names = [
      'bronze.DimUser',
      'silver.Größe+',
      'we ird "q"',
      "o'clock",
      '$HOME `id`',
      '*',
      ';rm',
      '\\',
      '~',
      '',
      '-x',
    ]
    const printed = execFileSync('sh', ['-c', `printf '%s\\n' ${names.map(shellWord).join(' ')}`], { encoding: 'utf8' })
    expect(printed).toBe(`${names.join('\n')}\n`)
    expect(names.slice(0, 2).map(shellWord)).toEqual(names.slice(0, 2))
  },
)

test('a command in a hint can be copied, whatever the table is called', () => {
  const { hint } = MASS_DELETE({ table: 'bronze.we ird "q"', deletes: '45', live: '50' })
  expect(hint).toContain(`--allow-mass-delete 'bronze.we ird "q"'. `)
})
