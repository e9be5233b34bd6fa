/** The first command of a fresh clone, in a folder that holds the real script and as little else as can be. */
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Ended, isCurrentNode, machineNode, runProgram } from './programs.ts'

const repository = fileURLToPath(new URL('../..', import.meta.url))
const platform = process.platform === 'win32' ? 'win' : process.platform
const nodePackage = `node-${platform}-${process.arch}`

let clone: string

beforeEach(async () => {
  clone = await mkdtemp(join(tmpdir(), 'tidemark-set-up-'))
  await mkdir(join(clone, 'scripts'))
  await cp(join(repository, 'scripts', 'set-up.js'), join(clone, 'scripts', 'set-up.js'))
  await write('package.json', { type: 'module', optionalDependencies: { [nodePackage]: '24.0.0' } })
  await write('package-lock.json', { packages: {} })
})
afterEach(() => rm(clone, { recursive: true, force: true }))

const write = (name: string, content: object): Promise<void> => writeFile(join(clone, name), JSON.stringify(content))

/** As npm leaves a folder when it is done. */
async function pretendInstalled(): Promise<void> {
  await mkdir(join(clone, 'node_modules', '.bin'), { recursive: true })
  await write(join('node_modules', '.package-lock.json'), { packages: {} })
}

/** An npm that would leave a trace. */
const setUp = (...command: string[]): Promise<Ended> =>
  runProgram(machineNode, ['scripts/set-up.js', ...command], { cwd: clone, env: { npm_execpath: 'no-npm', PATH: '' } })

const SHOW = 'console.log(process.argv[1]); process.exit(7)'

describe('a clone that is ready', () => {
  it('runs the command with the tools of the clone, and ends as it ends', async () => {
    await pretendInstalled()
    await symlink(process.execPath, join(clone, 'node_modules', '.bin', 'tool'))
    await mkdir(join(clone, 'node_modules', nodePackage, 'bin'), { recursive: true })
    const ended = await setUp('tool', '-e', SHOW, 'an argument')
    expect(ended, ended.stderr).toMatchObject({ exit: 7, stdout: 'an argument\n', stderr: '' })
  })
})

describe('a clone that is not', () => {
  it('is installed first, and nothing is started when that fails', async () => {
    await mkdir(join(clone, 'node_modules', nodePackage, 'bin'), { recursive: true })
    const ended = await setUp('tool')
    expect(ended.exit).toBe(3)
    expect(ended.stderr).toContain('Installing packages')
    expect(ended.stderr).toContain('Nothing else was started.')
  })
})

// Only an old Node can show this; where the machine's own is new enough there is nothing to refuse.
describe.skipIf(isCurrentNode(machineNode))('a machine with an old Node', () => {
  it('for which npm has no other is told so before anything is installed', async () => {
    await write('package.json', { type: 'module' })
    const ended = await setUp('tool')
    expect(ended.exit).toBe(3)
    expect(ended.stderr).toMatch(/^A clone of Tidemark needs Node 24; this is Node \d/)
    expect(ended.stderr).toContain('install Node 24, then run this again')
    expect(ended.stderr).not.toContain('Installing')
  })

  it('on which npm has left out the other is told so', async () => {
    await pretendInstalled()
    const ended = await setUp('tool')
    expect(ended.exit).toBe(3)
    expect(ended.stderr).toContain(`no Node 24 package from npm for ${platform}-${process.arch} here`)
  })
})
