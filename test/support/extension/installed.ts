/** Where scripts/setup-interop.js has put DuckDB's extension for PostgreSQL, if it could be had. */
import { globSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const [found] = globSync(
  '{lib/python*,Lib}/site-packages/duckdb_extension_postgres_scanner/extensions/*/*.duckdb_extension',
  {
    cwd: fileURLToPath(new URL('../../../.cache/extension', import.meta.url)),
  },
)

/** Absolute path of its file; undefined where it is not installed. */
export const EXTENSION: string | undefined =
  found && fileURLToPath(new URL(`../../../.cache/extension/${found}`, import.meta.url))
