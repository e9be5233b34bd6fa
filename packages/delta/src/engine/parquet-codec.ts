/**
 * How the pages of a table's Parquet files are compressed, as the table asks for it (Delta protocol, "Table Properties").
 */

/** Codecs that every reader is to know. */
export type ParquetCodec = 'uncompressed' | 'snappy' | 'gzip' | 'lz4_raw' | 'zstd'

const CODEC = 'delta.parquet.compression.codec'

/** The spellings that writers use. `lz4` stands for a framing that no one writes any more; its successor is as fast. */
const CODECS: Readonly<Record<string, ParquetCodec>> = {
  uncompressed: 'uncompressed',
  none: 'uncompressed',
  snappy: 'snappy',
  gzip: 'gzip',
  lz4: 'lz4_raw',
  lz4_raw: 'lz4_raw',
  zstd: 'zstd',
}

/**
 * The codec for new data files and checkpoints of a table with these settings: zstd, unless `delta.parquet.compression.codec`
 * names another that readers know.
 *
 * @example
 * ```ts
 * console.log(parquetCodec({ 'delta.parquet.compression.codec': 'SNAPPY' })) // snappy
 * ```
 */
export function parquetCodec(configuration: Readonly<Record<string, string>> | undefined): ParquetCodec {
  const name = configuration?.[CODEC]?.trim().toLowerCase() ?? 'zstd'
  return Object.hasOwn(CODECS, name) ? (CODECS[name] ?? 'zstd') : 'zstd'
}
