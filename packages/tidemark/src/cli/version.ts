/** The product's version, as in package.json of the package this file ships in. */
import { readFileSync } from 'node:fs'

const manifest = new URL('../../package.json', import.meta.url)

export const VERSION: string = (JSON.parse(readFileSync(manifest, 'utf8')) as { version: string }).version
