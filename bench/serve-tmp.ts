import { mkdtemp } from 'node:fs/promises'
import { startPostgres } from '../examples/postgres.ts'
import { saleTable, SERVER_CONFIG } from './load-tables.ts'
import { writeFileSync } from 'node:fs'
const dir = await mkdtemp('/tmp/pgserve-')
const server = await startPostgres({ directory: dir + '/postgres', config: SERVER_CONFIG })
await server.query(saleTable(4_000_000))
await server.query('VACUUM ANALYZE sale')
writeFileSync('/tmp/pg.url', server.url())
console.log(server.url())
setInterval(() => {}, 1e6)
