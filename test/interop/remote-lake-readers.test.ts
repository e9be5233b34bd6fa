/** Tables of a lake in Azure or S3, read there by delta-rs: it finds them by their address, with its own client. */
import { expect, test } from 'vitest'
import { createProject } from '../support/cli.ts'
import { runInProcess } from '../support/cli-in-process.ts'
import { AZURITE_ACCOUNT, AZURITE_KEY, startAzurite } from '../support/cloud/azurite.ts'
import { findMissingMoto, MOTO_LOGIN, startMoto } from '../support/cloud/moto.ts'
import { hasPython, WHEN_MISSING } from '../support/interop/installed.ts'
import { runPython } from '../support/interop/read-with.ts'
import { createDatabase } from '../support/postgres.ts'

interface Reachable extends AsyncDisposable {
  readonly lake: string
  readonly options: Readonly<Record<string, unknown>>
  readonly env: Readonly<Record<string, string>>
  /** The same for delta-rs. */
  readonly storageOptions: Readonly<Record<string, string>>
}

async function azure(): Promise<Reachable> {
  const server = await startAzurite()
  await server.makeContainer('lake')
  return {
    lake: 'az://lake/music',
    options: { account: AZURITE_ACCOUNT, endpoint: server.endpoint, account_key: { secret: 'env:LAKE_KEY' } },
    env: { LAKE_KEY: AZURITE_KEY },
    storageOptions: {
      azure_storage_account_name: AZURITE_ACCOUNT,
      azure_storage_account_key: AZURITE_KEY,
      azure_storage_endpoint: server.endpoint,
      allow_http: 'true',
    },
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  }
}

async function s3(): Promise<Reachable> {
  const server = await startMoto()
  await server.makeBucket('lake')
  const { accessKeyId, secretAccessKey } = MOTO_LOGIN
  return {
    lake: 's3://lake/music',
    options: { endpoint: server.endpoint, access_key_id: accessKeyId, secret_access_key: { secret: 'env:LAKE_KEY' } },
    env: { LAKE_KEY: secretAccessKey },
    storageOptions: {
      aws_access_key_id: accessKeyId,
      aws_secret_access_key: secretAccessKey,
      aws_endpoint_url: server.endpoint,
      aws_region: 'us-east-1',
      aws_allow_http: 'true',
    },
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  }
}

const READ = `
import json
for name in json.loads(arguments[2]):
    table = DeltaTable(arguments[0] + "/" + name.replace(".", "/"), storage_options=json.loads(arguments[1]))
    rows = table.to_pyarrow_table().select(["no", "price"]).to_pylist()
    print(json.dumps(sorted([str(row["no"]), str(row["price"])] for row in rows)))
`

const TABLES = ['bronze.sale', 'silver.sale', 'gold.dear']
const noMoto = findMissingMoto()

for (const { name, make, missing } of [
  { name: 'Azure', make: azure, missing: !hasPython },
  { name: 'S3', make: s3, missing: !hasPython || noMoto !== undefined },
])
  test.skipIf(missing)(`delta-rs reads every layer of a lake in ${name} (${WHEN_MISSING})`, async () => {
    await using store = await make()
    const database = await createDatabase(`${import.meta.url}-${name}`)
    try {
      await database.query(`CREATE TABLE sale (no int PRIMARY KEY, price int);
      INSERT INTO sale SELECT i, i FROM generate_series(1, 300) i`)
      const { root } = await createProject({
        'tidemark.yml': JSON.stringify({
          name: 'shop',
          lake: store.lake,
          lake_options: store.options,
          sources: { app: { type: 'postgres', url: { secret: 'env:SHOP_URL' }, tables: 'list.json' } },
        }),
        'list.json': '[{ "schema": "public", "table": "sale" }]',
        'gold/gold.sql': 'CREATE MATERIALIZED VIEW gold.dear AS SELECT no, price FROM silver.sale WHERE price > 200;',
      })
      const tidemark = async (...args: string[]): Promise<string> => {
        const ended = await runInProcess(args, { cwd: root, env: { SHOP_URL: database.url, ...store.env } })
        expect(ended.exit, ended.stderr).toBe(0)
        return ended.stdout
      }
      await tidemark('run')
      await database.query('UPDATE sale SET price = 1000 WHERE no < 10; DELETE FROM sale WHERE no = 300')
      await tidemark('run')
      const others = await runPython(READ, store.lake, JSON.stringify(store.storageOptions), JSON.stringify(TABLES))
      const read = others
        .trim()
        .split('\n')
        .map(line => JSON.parse(line) as unknown)
      for (const [i, table] of TABLES.entries()) {
        const own = JSON.parse(await tidemark('query', `SELECT no, price FROM ${table}`, '--json')) as Row[]
        expect(read[i], table).toEqual(own.map(({ no, price }) => [cell(no), cell(price)]).sort(byText))
      }
    } finally {
      await database.drop()
    }
  })

interface Row {
  no: unknown
  price: unknown
}

/** As Python prints it. */
function cell(value: unknown): string {
  return value === null ? 'None' : String(value)
}

function byText(a: readonly string[], b: readonly string[]): number {
  const [x, y] = [a.join('\0'), b.join('\0')]
  return x < y ? -1 : x > y ? 1 : 0
}
