#!/usr/bin/env node
/**
 * Starts the command line on a Node that can run it. Plain JavaScript for Node 20; on Node 22.18 or later, of a
 * checkout on Node 24, everything happens in this process, otherwise the Node 24 that npm installed near us is started and its
 * exit code passed on.
 */
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
// Named imports of what Node 20 lacks would stop this file before it could say so.
import module from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

const home = dirname(dirname(fileURLToPath(import.meta.url)))
const sourceMain = join(home, 'src', 'cli', 'main.ts')
/** A checkout runs its TypeScript as it is; the published package holds no src, and its command in few files. */
const isCheckout = existsSync(sourceMain)
const main = isCheckout ? sourceMain : join(home, 'dist', 'command', 'main.js')

function canRunHere() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  // The source has words that Node 22 does not know; the published package has them no more.
  if (isCheckout) return major >= 24
  return major > 22 || (major === 22 && minor >= 18)
}

/** The Node binary of the `node-<platform>-<arch>` package nearest above us; undefined when there is none. */
function findNode() {
  const platform = process.platform === 'win32' ? 'win' : process.platform
  const file = join(`node-${platform}-${process.arch}`, 'bin', process.platform === 'win32' ? 'node.exe' : 'node')
  for (let folder = home; ; folder = dirname(folder)) {
    const binary = join(folder, 'node_modules', file)
    if (existsSync(binary)) return binary
    if (folder === dirname(folder)) return undefined
  }
}

async function runHere() {
  // Compiled code is kept in the user's temporary folder; it halves the start of later commands.
  module.enableCompileCache()
  if (isCheckout) {
    // What --conditions=source does, without a second process: workspace packages resolve to their sources.
    module.registerHooks({
      resolve: (specifier, context, next) =>
        next(specifier, { ...context, conditions: [...context.conditions, 'source'] }),
    })
  }
  await import(pathToFileURL(main).href)
}

function runWith(node) {
  const child = spawn(node, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], { stdio: 'inherit' })
  // A terminal sends Ctrl-C to both of us; passing it on would look like a second, impatient one.
  process.on('SIGINT', () => process.stdin.isTTY || child.kill('SIGINT'))
  for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
  child.on('error', error => stop(`${node} could not be started: ${error.message}`))
  child.on('exit', (code, signal) => {
    if (signal === null) process.exit(code ?? 1)
    // End by the same signal, so that whoever started us sees what happened.
    process.removeAllListeners(signal)
    process.kill(process.pid, signal)
  })
}

function stop(reason) {
  console.error(`tidemark: ${reason}`)
  console.error('hint: install Node 24 and run the command again.')
  process.exit(3)
}

const node = canRunHere() ? undefined : findNode()
if (canRunHere()) await runHere()
else if (node !== undefined) runWith(node)
else {
  const needed = isCheckout ? 'Node 24' : 'Node 22.18 or later'
  stop(`${needed} is needed, this is ${process.versions.node}, and no Node 24 package is installed here.`)
}
