/** Which other engines scripts/setup-interop.js found for this machine, and where they are. */
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const cached = (path: string): string => fileURLToPath(new URL(`../../../.cache/${path}`, import.meta.url))

export const PYTHON: string = cached(process.platform === 'win32' ? 'venv/Scripts/python.exe' : 'venv/bin/python')
export const SPARK_JARS: string = cached('spark/lib')

export const hasPython: boolean = existsSync(cached('venv/installed.txt'))
export const hasSpark: boolean = existsSync(cached('spark/installed.txt'))

/** What stands in the title of tests that are left out. */
export const WHEN_MISSING = 'left out where it is not installed: npm run test:all says why'
