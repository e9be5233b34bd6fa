/** Where scripts/setup-interop.js has put the oldest Node that runs the product, if it could be had. */
import { globSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const home = fileURLToPath(new URL('../../../.cache/oldest-node', import.meta.url))
const [found] = globSync('node_modules/node-*/bin/{node,node.exe}', { cwd: home })

/** Absolute path of its program; undefined where it is not installed. */
export const OLDEST_NODE: string | undefined = found && `${home}/${found}`
