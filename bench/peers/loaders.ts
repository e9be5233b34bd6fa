/** Tools that load the table `public.sale` whole: this one into bronze, the others as their documentation sets up the fastest way. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { TIDEMARK } from '../command.ts'
import { install, type Peer, plainUrl, prepare, SLING_PEER, slingIn } from './peers.ts'
import type { Command } from './run-measured.ts'

export interface Loader {
  name: string
  /** Make an empty folder ready for one load. */
  prepare: (place: string) => Promise<Command>
  /** Pattern of the files that it wrote there, Parquet or CSV. */
  files: (place: string) => string
}

const PYTHON: Omit<Peer, 'command'> = {
  name: 'dlt 1.31.0 to files',
  packages: [
    'dlt[filesystem,deltalake]==1.31.0',
    'psycopg2-binary',
    'sqlalchemy==2.0.58',
    'connectorx==0.4.6',
    'pyarrow',
  ],
}

const DLT = `import dlt, sys
from dlt.sources.sql_database import sql_table
url, place, form = sys.argv[1:4]
rows = sql_table(credentials=url, schema="public", table="sale", backend="connectorx",
    backend_kwargs={"return_type": "arrow_stream"}, chunk_size=100000, reflection_level="full_with_precision")
files = dlt.destinations.filesystem("file://" + place)
pipeline = dlt.pipeline("sale", destination=files, dataset_name="loaded", pipelines_dir=place + "/dlt")
how = {"table_format": "delta"} if form == "delta" else {"loader_file_format": "parquet"}
pipeline.run(rows, write_disposition="replace", **how)
`

const CONNECTORX = `import connectorx, pyarrow.parquet, sys
url, place, rows = sys.argv[1:4]
stream = connectorx.read_sql(url, "SELECT * FROM sale", partition_on="id", partition_num=2,
    partition_range=(1, int(rows)), return_type="arrow_stream", batch_size=100000)
with pyarrow.parquet.ParquetWriter(place + "/sale.parquet", stream.schema) as writer:
    for batch in stream:
        writer.write_batch(batch)
`

/** All that can run here, in the order of the table. */
export async function listLoaders(at: {
  url: string
  rows: number
  extension?: string | undefined
}): Promise<Loader[]> {
  const [python, sling] = [await install(PYTHON), await install(SLING_PEER)]
  const url = plainUrl(at.url)
  const program = (name: string, text: string, args: readonly string[], files: string): Loader => ({
    name,
    prepare: async place => {
      const env = await prepare(place)
      await writeFile(join(place, 'load.py'), text)
      const [form, ...more] = args
      const given = form === undefined ? [] : [form, ...more]
      return {
        program: join(python ?? '', 'python'),
        args: [join(place, 'load.py'), url, place, ...given],
        cwd: place,
        env,
      }
    },
    files: place => join(place, files),
  })
  const theirs =
    python === undefined
      ? []
      : [
          program('ConnectorX 0.4.6, two streams, to Parquet', CONNECTORX, [String(at.rows)], 'sale.parquet'),
          program('dlt 1.31.0 by ConnectorX, to Parquet', DLT, ['parquet'], 'loaded/sale/*.parquet'),
          program('dlt 1.31.0 by ConnectorX, to Delta', DLT, ['delta'], 'loaded/sale/*.parquet'),
        ]
  const ours = [tidemark(at.url), ...(at.extension === undefined ? [] : [tidemark(at.url, at.extension)])]
  return [...ours, ...theirs, ...(sling === undefined ? [] : [slingLoader(sling, url)])]
}

function tidemark(url: string, extension?: string): Loader {
  return {
    name: extension === undefined ? 'Tidemark, to Delta' : "Tidemark by DuckDB's extension, to Delta",
    prepare: async place => {
      const more = extension === undefined ? '' : `duckdb_extension: ${JSON.stringify(extension)}, `
      const source = `{ type: postgres, ${more}url: { secret: env:BENCH_URL }, tables: [{ schema: public, table: sale }] }`
      const project = `name: bench\nlake: ./lake\nsources: { app: ${source} }\ntargets: { dev: { default: true } }\n`
      await writeFile(join(place, 'tidemark.yml'), project)
      const args = [TIDEMARK, 'run', '--select', 'bronze.sale']
      return { program: process.execPath, args, cwd: place, env: { ...process.env, BENCH_URL: url } }
    },
    files: place => join(place, 'lake/bronze/sale/*.parquet'),
  }
}

function slingLoader(bin: string, url: string): Loader {
  return {
    name: 'Sling 1.4.11, to CSV',
    prepare: async place => {
      const env = await prepare(place)
      await mkdir(join(place, 'loaded'))
      const to = ['--tgt-object', `file://${place}/loaded/sale.csv`, '--mode', 'full-refresh']
      return {
        program: slingIn(bin),
        args: ['run', '--src-conn', url, '--src-stream', 'public.sale', ...to],
        cwd: place,
        env,
      }
    },
    files: place => join(place, 'loaded/sale.csv'),
  }
}
