import { tmpdir } from 'node:os'
import { expect, test } from 'vitest'
import { startDuckdb } from './duckdb-instance.ts'

test('a statement can say what is remembered of files and how rows are gathered, and change nothing else about the sandbox', async () => {
  const instance = await startDuckdb({ scratch: undefined, folders: [tmpdir()] }, 'spill')
  const connection = await instance.connect()
  for (const statement of [
    `SET GLOBAL allowed_configs = ['enable_external_access']`,
    `SET enable_external_access = true`,
    `SET GLOBAL allowed_directories = ['/']`,
    `SET GLOBAL allowed_paths = ['/etc/passwd']`,
    `SET memory_limit = '64GB'`,
    `SET GLOBAL lock_configuration = false`,
  ]) {
    await expect(connection.run(statement), statement).rejects.toThrow('the configuration has been locked')
  }
  await expect(connection.run(`FROM read_csv('/etc/passwd')`)).rejects.toThrow('Permission Error')
  await connection.run('SET SESSION parquet_metadata_cache = false')
  connection.closeSync()
  instance.closeSync()
})
