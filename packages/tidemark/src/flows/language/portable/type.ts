/**
 * The types of portable SQL: what a Delta column can be, with Spark's rules for what two of them have in common.
 * `unknown` is a value whose type is not known yet and fits everywhere; `null` is the type of a bare NULL.
 */
import { raw, type Sql } from '../../../engine/sql.ts'

export type SimpleKind =
  | 'boolean'
  | 'byte'
  | 'short'
  | 'integer'
  | 'long'
  | 'float'
  | 'double'
  | 'string'
  | 'binary'
  | 'date'
  | 'timestamp'
  | 'timestamp_ntz'

export interface DecimalType {
  kind: 'decimal'
  precision: number
  scale: number
}

export type LakeType =
  | { kind: SimpleKind | 'null' | 'unknown' }
  | DecimalType
  /** A DuckDB type that portable SQL can carry from input to nowhere: naming it is an error. */
  | { kind: 'other'; duckdb: string }

const DUCKDB: Readonly<Record<SimpleKind, string>> = {
  boolean: 'BOOLEAN',
  byte: 'TINYINT',
  short: 'SMALLINT',
  integer: 'INTEGER',
  long: 'BIGINT',
  float: 'FLOAT',
  double: 'DOUBLE',
  string: 'VARCHAR',
  binary: 'BLOB',
  date: 'DATE',
  timestamp: 'TIMESTAMP WITH TIME ZONE',
  timestamp_ntz: 'TIMESTAMP',
}
const SIMPLE_OF_DUCKDB = new Map(Object.entries(DUCKDB).map(([kind, name]) => [name, kind as SimpleKind]))

/** What a cast may name, beside the types that DuckDB's parser already knows: Spark's own words. */
const SPARK_WORDS: Readonly<Record<string, SimpleKind>> = {
  byte: 'byte',
  timestamp_ntz: 'timestamp_ntz',
  timestamp_ltz: 'timestamp',
  string: 'string',
  long: 'long',
}

export const UNKNOWN: LakeType = { kind: 'unknown' }
export const simple = (kind: SimpleKind): LakeType => ({ kind })

/** A DuckDB type as DESCRIBE prints it. A bare TIMESTAMP is a timestamp without zone. */
export function typeOfDuckdb(printed: string): LakeType {
  const decimal = /^DECIMAL\((\d+),\s*(\d+)\)$/.exec(printed)
  if (decimal) return { kind: 'decimal', precision: Number(decimal[1]), scale: Number(decimal[2]) }
  if (printed === '"NULL"' || printed === 'NULL') return { kind: 'null' }
  const kind = SIMPLE_OF_DUCKDB.get(printed)
  return kind ? { kind } : { kind: 'other', duckdb: printed }
}

/** A type name as the project writes it: Delta's names, as in `decimal(10,2)`; undefined when there is no such type. */
export function parseLakeType(name: string): LakeType | undefined {
  const decimal = /^decimal\((\d+),\s*(\d+)\)$/i.exec(name.trim())
  if (decimal) return { kind: 'decimal', precision: Number(decimal[1]), scale: Number(decimal[2]) }
  const kind = name.trim().toLowerCase()
  return Object.hasOwn(DUCKDB, kind) ? { kind: kind as SimpleKind } : undefined
}

/** The type a CAST names, from DuckDB's syntax tree. TIMESTAMP is Spark's: an instant. */
export function typeOfCast(id: string, info: CastInfo | undefined): LakeType | undefined {
  if (id === 'DECIMAL')
    return { kind: 'decimal', precision: Number(info?.width ?? 10), scale: Number(info?.scale ?? 0) }
  if (id === 'TIMESTAMP' || id === 'TIMESTAMP WITH TIME ZONE') return simple('timestamp')
  if (id === 'UNBOUND') {
    const kind = SPARK_WORDS[String(info?.name).toLowerCase()]
    return kind && { kind }
  }
  const kind = SIMPLE_OF_DUCKDB.get(id)
  return kind && { kind }
}

export interface CastInfo {
  width?: string | undefined
  scale?: string | undefined
  name?: string | undefined
}

/** As Delta names it; DuckDB's own name for what Delta lacks. */
export function printType(type: LakeType): string {
  if (type.kind === 'decimal') return `decimal(${type.precision},${type.scale})`
  return type.kind === 'other' ? type.duckdb : type.kind
}

/** As a DuckDB cast names it. */
export function duckdbType(type: LakeType): Sql {
  if (type.kind === 'decimal') return raw(`DECIMAL(${type.precision}, ${type.scale})`)
  if (type.kind === 'null' || type.kind === 'unknown') return raw('VARCHAR')
  return raw(type.kind === 'other' ? type.duckdb : DUCKDB[type.kind])
}

export function sameType(a: LakeType, b: LakeType): boolean {
  return printType(a) === printType(b)
}

const INTEGRAL: readonly string[] = ['byte', 'short', 'integer', 'long']
const DIGITS: Readonly<Record<string, number>> = { byte: 3, short: 5, integer: 10, long: 20 }

export const isIntegral = (t: LakeType): boolean => INTEGRAL.includes(t.kind)
export const isFractional = (t: LakeType): boolean => t.kind === 'float' || t.kind === 'double'
export const isNumeric = (t: LakeType): boolean => isIntegral(t) || isFractional(t) || t.kind === 'decimal'
export const isInstant = (t: LakeType): boolean => t.kind === 'timestamp' || t.kind === 'timestamp_ntz'
export const isOpen = (t: LakeType): boolean => t.kind === 'unknown' || t.kind === 'null'

/** An integer type as the decimal that holds all its values, as Spark widens it; decimals as they are. */
export function asDecimal(type: LakeType): DecimalType | undefined {
  if (type.kind === 'decimal') return type
  const precision = DIGITS[type.kind]
  return precision === undefined ? undefined : { kind: 'decimal', precision, scale: 0 }
}

/**
 * The type in which Spark 4 in ANSI mode compares two values or brings branches together; undefined when there is
 * none, or when it would need more than 38 digits.
 */
export function commonType(a: LakeType, b: LakeType): LakeType | undefined {
  if (sameType(a, b) || b.kind === 'null') return a
  if (a.kind === 'null') return b
  if (a.kind === 'unknown' || b.kind === 'unknown') return UNKNOWN
  if (isNumeric(a) && isNumeric(b)) return widerNumber(a, b)
  if (a.kind === 'string') return ansiOfString(b)
  if (b.kind === 'string') return ansiOfString(a)
  if (isInstant(a) && isInstant(b)) return simple('timestamp')
  if (isInstant(a) && b.kind === 'date') return a
  if (a.kind === 'date' && isInstant(b)) return b
  return undefined
}

function widerNumber(a: LakeType, b: LakeType): LakeType | undefined {
  if (isFractional(a) || isFractional(b)) return widerFraction(a, b)
  if (isIntegral(a) && isIntegral(b)) return INTEGRAL.indexOf(a.kind) > INTEGRAL.indexOf(b.kind) ? a : b
  const [x, y] = [asDecimal(a), asDecimal(b)]
  if (!x || !y) return undefined
  const scale = Math.max(x.scale, y.scale)
  const precision = Math.max(x.precision - x.scale, y.precision - y.scale) + scale
  return precision <= 38 ? { kind: 'decimal', precision, scale } : undefined
}

/** Float stays float only beside floats; an integer or decimal makes it a double, which loses fewer digits. */
function widerFraction(a: LakeType, b: LakeType): LakeType {
  return simple(a.kind === 'float' && b.kind === 'float' ? 'float' : 'double')
}

/** The common type where Spark does not read a text as something else: greatest and least. */
export function commonTypeOfLike(a: LakeType, b: LakeType): LakeType | undefined {
  return (a.kind === 'string') === (b.kind === 'string') || isOpen(a) || isOpen(b) ? commonType(a, b) : undefined
}

/** ANSI: beside another type a text is read as that type; integers as long, fractions as double. */
function ansiOfString(other: LakeType): LakeType | undefined {
  if (isIntegral(other)) return simple('long')
  if (isFractional(other) || other.kind === 'decimal') return simple('double')
  return other.kind === 'other' ? undefined : other
}
