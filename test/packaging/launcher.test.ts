/**
 * The launcher, on every Node this machine has: the one the tests run on, and the machine's own where that is another.
 * A package is laid out by hand around the real launcher, with a main file that shows what reached it.
 */
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { isCurrentNode, machineNode, runProgram } from './programs.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const platform = process.platform === 'win32' ? 'win' : process.platform
const nodePackage = join('node_modules', `node-${platform}-${process.arch}`)

const MAIN = `
const [how, value] = process.argv.slice(2)
if (how === 'exit') process.exit(Number(value))
if (how === 'show') console.log(JSON.stringify({ args: process.argv.slice(3), node: process.versions.node }))
if (how === 'wait') {
  process.on(value, () => process.exit(42))
  setInterval(() => {}, 1000)
  console.log('ready')
}
if (how === 'crash') process.kill(process.pid, 'SIGKILL')
`

let folder: string
let launcher: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tidemark-launcher-'))
  const home = join(folder, 'node_modules', 'tidemark')
  launcher = join(home, 'bin', 'tidemark.js')
  await mkdir(join(home, 'dist', 'command'), { recursive: true })
  await cp(join(root, 'packages', 'tidemark', 'bin', 'tidemark.js'), launcher, { recursive: true })
  await writeFile(join(home, 'package.json'), '{ "type": "module" }')
  await writeFile(join(home, 'dist', 'command', 'main.js'), MAIN)
  await symlink(join(root, nodePackage), join(folder, nodePackage)).catch(() => undefined)
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const nodes = [...new Set([process.execPath, machineNode])]

describe.each(nodes)('started with %s', node => {
  const start = (...args: string[]): ReturnType<typeof runProgram> =>
    runProgram(node, [launcher, ...args], { cwd: folder })

  it('runs on Node 22.18 or later and passes the arguments on', async () => {
    const { stdout } = await start('show', '--a', 'b c', '')
    const { args, node: version } = JSON.parse(stdout) as { args: string[]; node: string }
    expect(args).toEqual(['--a', 'b c', ''])
    const [major = 0, minor = 0] = version.split('.').map(Number)
    expect(major * 100 + minor).toBeGreaterThanOrEqual(2218)
  })

  it.each([0, 1, 2, 3])('ends with the exit code %i of the command', async code => {
    expect((await start('exit', String(code))).exit).toBe(code)
  })

  it.each(['SIGTERM', 'SIGINT'] as const)('lets the command finish on %s', async signal => {
    const ended = await runProgram(node, [launcher, 'wait', signal], {
      cwd: folder,
      onOutput: (text, kill) => text.includes('ready') && kill(signal),
    })
    expect(ended.exit).toBe(42)
  })

  it('ends by the signal that ended the command', async () => {
    expect((await start('crash')).signal).toBe('SIGKILL')
  })
})

describe('without any Node that can run the product', () => {
  // Only an old Node can show this; where the machine's own is new enough there is nothing to refuse.
  it.skipIf(isCurrentNode(machineNode))('says what is needed and exits 3', async () => {
    const alone = join(folder, 'alone', 'bin', 'tidemark.js')
    await mkdir(dirname(alone), { recursive: true })
    await cp(launcher, alone)
    await writeFile(join(folder, 'alone', 'package.json'), '{ "type": "module" }')
    await rm(join(folder, nodePackage), { recursive: true, force: true })
    const ended = await runProgram(machineNode, [alone, '--help'], { cwd: folder })
    expect(ended, ended.stderr).toMatchObject({ exit: 3, stdout: '' })
    expect(ended.stderr).toContain('Node 22.18 or later is needed')
    expect(ended.stderr).toContain('hint: install Node 24')
  })
})
