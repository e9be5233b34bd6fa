/** An encrypted line to real servers whose authority is their own: refused by itself, taken by name, never by another name. */
import { chmod, chown, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import mysql from 'mysql2/promise'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { sql } from '../../packages/tidemark/src/engine/sql.ts'
import { serverAccount } from '../../examples/postgres-install.ts'
import { systemClock } from '../../packages/tidemark/src/run/system.ts'
import { createMysqlSource } from '../../packages/tidemark/src/sources/mysql/mysql.ts'
import { createPostgresSource } from '../../packages/tidemark/src/sources/postgres/postgres.ts'
import type { ServerConnection } from '../../packages/tidemark/src/sources/server-address.ts'
import type { Source } from '../../packages/tidemark/src/sources/source.ts'
import { findMissingOpenssl, makeCertificate } from '../support/cloud/certificate.ts'
import { numbersTo } from '../support/mariadb.ts'
import { findServer, startMariadb } from '../support/mariadb-server.ts'
import { startPostgres } from '../support/postgres.ts'
import { never, problemOf, readRows, ref, tableOf } from '../support/source.ts'

const missing = findMissingOpenssl()
const mariadb = await findServer()

type Certificate = ReturnType<typeof makeCertificate>

/** One server that speaks with the certificate. */
interface Encrypted {
  address: Omit<ServerConnection, 'tls' | 'ca'>
  open: (connection: ServerConnection) => Source
  /** Schema of a table `many` with 60,000 rows, which is made. */
  fill: () => Promise<string>
  stop: () => Promise<void>
}

const MANY = `SELECT n AS id, concat(repeat('text ', 20), n) AS t FROM`

const PARTS = { name: 'app', timezone: 'UTC', clock: systemClock }

const servers = {
  PostgreSQL: async (folder: string, { cert, key }: Certificate): Promise<Encrypted> => {
    const config = { ssl: 'on', ssl_cert_file: cert, ssl_key_file: key, fsync: 'off' }
    const server = await startPostgres({ directory: join(folder, 'postgres'), config })
    const { host, port, user, password } = server
    return {
      address: { host, port, user, password, database: 'postgres' },
      open: connection => createPostgresSource({ ...PARTS, connection }),
      fill: async () => {
        const client = new pg.Client({ host, port, user, password, database: 'postgres' })
        await client.connect()
        await client.query(`CREATE TABLE many AS ${MANY} generate_series(1, 60000) AS n`)
        await client.end()
        return 'public'
      },
      stop: () => server.stop('immediate'),
    }
  },
  MariaDB: async (folder: string, { cert, key }: Certificate): Promise<Encrypted> => {
    const flags = [`--ssl-cert=${cert}`, `--ssl-key=${key}`, '--loose-ssl=ON']
    const server = await startMariadb(mariadb ?? '', join(folder, 'mariadb'), 'UTC', flags)
    const { host, port, user, password } = server
    return {
      address: { host, port, user, password, database: 'mysql' },
      open: connection => createMysqlSource({ ...PARTS, connection }),
      fill: async () => {
        const client = await mysql.createConnection({ host, port, user, password })
        await client.query('CREATE DATABASE shop')
        await client.query('USE shop')
        await client.query(`CREATE TABLE shop.many AS ${MANY} (SELECT seq AS n FROM ${numbersTo(60_000)} many) numbers`)
        await client.end()
        return 'shop'
      },
      stop: () => server.stop(),
    }
  },
}

describe.skipIf(missing !== undefined).each(Object.entries(servers))('an encrypted line to %s', (name, start) => {
  const isHere = name !== 'MariaDB' || mariadb !== undefined
  let folder: string
  let ca: string
  let server: Encrypted

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tidemark-tls-'))
    const certificate = makeCertificate(folder)
    ca = await readFile(certificate.cert, 'utf8')
    // The account of the server has to get at them.
    const { uid, gid } = await serverAccount()
    await chmod(folder, 0o755)
    if (uid !== undefined && gid !== undefined) await chown(certificate.key, uid, gid)
    if (isHere) server = await start(folder, certificate)
  })
  afterAll(async () => {
    if (isHere) await server.stop()
    await rm(folder, { recursive: true, force: true })
  })

  const look = async (connection: Partial<ServerConnection>): Promise<string> => {
    const source = server.open({ ...server.address, ...connection })
    try {
      return (await source.probe([], never)).position.identity
    } finally {
      await source.close()
    }
  }

  test.runIf(isHere)('is refused where nobody has named the authority of its certificate', async () => {
    const problem = await problemOf(look({ tls: 'verify' }))
    expect([problem.code, problem.exit]).toEqual(['SOURCE_TLS_REFUSED', 3])
    expect(problem.message).toMatch(/self[- ]signed/)
  })

  test.runIf(isHere)('is taken where `ca` names it, and where `tls: insecure` checks nobody', async () => {
    expect(await look({ ca })).not.toBe('')
    expect(await look({ tls: 'insecure' })).not.toBe('')
  })

  test.runIf(isHere)('brings the rows that come over a plain one', async () => {
    const table = ref('many', await server.fill())
    const read = async (tls: 'off' | 'insecure'): Promise<unknown> => {
      const source = server.open({ ...server.address, tls })
      onTestFinished(() => source.close())
      const snapshot = await source.openSnapshot([table], never)
      const through = (rows: ReturnType<typeof sql>): ReturnType<typeof sql> =>
        sql`SELECT count(*) AS n, sum(id) AS ids, bit_xor(hash(t)) AS texts, bit_xor(hash(_row_version)) AS versions FROM (${rows})`
      return await readRows(snapshot, tableOf(snapshot, table), { segmentBytes: 1_000_000, through })
    }
    const encrypted = await read('insecure')
    expect(encrypted).toMatchObject([{ n: '60000', ids: '1800030000' }])
    expect(encrypted).toEqual(await read('off'))
  })

  test.runIf(isHere)('is refused by another name than that of the certificate, whoever has signed it', async () => {
    const problem = await problemOf(look({ ca, host: 'localhost' }))
    expect(problem.code).toBe('SOURCE_TLS_REFUSED')
    expect(problem.message).toMatch(/localhost|altnames/i)
  })
})
