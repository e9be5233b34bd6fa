/**
 * Writes everything that is generated from the code: the pages of docs/reference and the JSON Schemas. With --check it
 * writes nothing and exits 1 when a file is not current. Run by `npm run generate` and `npm run check`.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { createProgram } from '../packages/tidemark/src/cli/program.ts'
import { printJsonSchemas } from '../packages/tidemark/src/config/json-schema.ts'
import { catalogue } from '../packages/tidemark/src/errors/catalogue.ts'
import { listPortableSql } from '../packages/tidemark/src/flows/language/portable/reference.ts'
import { mysqlTypes } from '../packages/tidemark/src/sources/mysql/types.ts'
import { sqlServerTypes } from '../packages/tidemark/src/sources/sqlserver/types.ts'
import { postgresTypes } from '../packages/tidemark/src/sources/postgres/types.ts'
import { sqliteTypes } from '../packages/tidemark/src/sources/sqlite/types.ts'
import { printCommands } from './generate/commands.ts'
import { noPorts } from './generate/no-ports.ts'
import { type JsonSchema, printConfiguration } from './generate/configuration.ts'
import { printErrors } from './generate/errors.ts'
import { eventSamples } from './generate/event-samples.ts'
import { printEvents } from './generate/events.ts'
import { printPortableSql } from './generate/portable-sql.ts'
import { printTypes } from './generate/types.ts'

const schemas = printJsonSchemas()
const parseSchema = (text: string): JsonSchema => JSON.parse(text) as JsonSchema

const root = join(import.meta.dirname, '..')

/** Path in the repository and text of each generated file. */
const files: Readonly<Record<string, string>> = {
  'docs/reference/errors.md': printErrors(catalogue),
  'docs/reference/commands.md': printCommands(await createProgram(noPorts)),
  'docs/reference/types.md': printTypes({ postgresTypes, mysqlTypes, sqlServerTypes, sqliteTypes }),
  'docs/reference/portable-sql.md': printPortableSql(listPortableSql()),
  'docs/reference/events.md': printEvents(eventSamples),
  'docs/reference/configuration.md': printConfiguration({
    project: parseSchema(schemas['tidemark.schema.json']),
    tableList: parseSchema(schemas['table-list.schema.json']),
  }),
  'packages/tidemark/schema/tidemark.schema.json': schemas['tidemark.schema.json'],
  'packages/tidemark/schema/table-list.schema.json': schemas['table-list.schema.json'],
}

function readCurrent(path: string): string | undefined {
  try {
    return readFileSync(join(root, path), 'utf8')
  } catch {
    return undefined
  }
}

const stale = Object.entries(files).filter(([path, text]) => readCurrent(path) !== text)
if (process.argv.includes('--check')) {
  for (const [path] of stale) console.error(`${path} is not current; run npm run generate`)
  process.exitCode = stale.length === 0 ? 0 : 1
} else {
  for (const [path, text] of stale) {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), text)
    console.error(`wrote ${path}`)
  }
}
