/**
 * Which types of files may be read as which types of tables: the same, and those that grow without changing a value
 * (Delta protocol, "Type Widening"), and what older writers left. Any other cast would change values in silence.
 */
import { parseDecimal } from '@tidemark/delta'

const INTEGERS: ReadonlySet<string> = new Set(
  ['', 'U'].flatMap(sign => ['TINYINT', 'SMALLINT', 'INTEGER', 'BIGINT'].map(name => sign + name)),
)
const TEXTS: ReadonlySet<string> = new Set(['VARCHAR', 'BLOB', 'JSON', 'UUID'])
const DECIMAL = /^DECIMAL\((\d+),(\d+)\)$/

/** True when a value of the file's DuckDB type can be cast to the table's type without changing, or fails loudly. */
export function isReadable(duckType: string, type: string): boolean {
  switch (type) {
    case 'boolean':
      return duckType === 'BOOLEAN'
    case 'byte':
    case 'short':
    case 'integer':
    case 'long':
      return INTEGERS.has(duckType)
    case 'float':
      return duckType === 'FLOAT'
    case 'double':
      // Of 64 bits a double keeps 53.
      return duckType === 'DOUBLE' || duckType === 'FLOAT' || (INTEGERS.has(duckType) && !duckType.endsWith('BIGINT'))
    case 'date':
      return duckType === 'DATE'
    case 'timestamp':
      return duckType.startsWith('TIMESTAMP')
    case 'timestamp_ntz':
      return duckType.startsWith('TIMESTAMP') || duckType === 'DATE'
    case 'string':
      return TEXTS.has(duckType)
    case 'binary':
      return duckType === 'BLOB' || duckType === 'VARCHAR'
    default:
      return isDecimalReadable(duckType, type)
  }
}

/** Fewer places would be rounded; too many digits before the point fail by themselves. */
function isDecimalReadable(duckType: string, type: string): boolean {
  const wanted = parseDecimal(type)
  if (wanted === undefined) return false
  if (INTEGERS.has(duckType)) return true
  const scale = DECIMAL.exec(duckType)?.[2]
  return scale !== undefined && Number(scale) <= wanted.scale
}
