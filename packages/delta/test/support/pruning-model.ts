/**
 * A model of tables that knows nothing of texts: every type is a list of its values in ascending order, rows hold places
 * in that list, and a predicate is evaluated row by row.
 */
import fc from 'fast-check'
import type { AddFile } from '../../src/log/actions.ts'
import { field } from '../../src/schema/schema.ts'
import type { TableColumns } from '../../src/stats/bound-column.ts'
import type { CompareOperator, Predicate } from '../../src/stats/predicate.ts'

/** Each value with the texts it may be written in; the first is that of stats, `undefined` where stats cannot say it. */
export interface Domain {
  type: string
  values: readonly (readonly [stats: string | undefined, ...texts: string[]])[]
}

const number = (stats: string, ...texts: string[]): [string, ...string[]] => [
  stats,
  ...(texts.length > 0 ? texts : [stats]),
]
const quoted = (text: string, ...texts: string[]): [string, ...string[]] => [JSON.stringify(text), text, ...texts]
/** What stats keep of a longer value. */
const cut = (stats: string, ...texts: string[]): [string, ...string[]] => [JSON.stringify(stats), ...texts]
const NINES = '9'.repeat(36)

export const DOMAINS: readonly Domain[] = [
  { type: 'byte', values: ['-128', '-1', '0', '7', '127'].map(n => number(n)) },
  {
    type: 'long',
    values: [
      '-9223372036854775808',
      '-9007199254740993',
      '-1',
      '0',
      '10',
      '9',
      '9007199254740992',
      '9007199254740993',
      '9223372036854775807',
    ]
      .toSorted((a, b) => Number(BigInt(a) - BigInt(b)))
      .map(n => number(n)),
  },
  {
    type: 'decimal(38,2)',
    values: [
      [`-${NINES}.99`],
      ['-1.01'],
      ['-0.01', '-0.010', '-1E-2'],
      ['0', '0.00', '-0'],
      ['0.50', '0.5', '5e-1'],
      ['10', '10.00'],
      [`${NINES}.98`],
      [`${NINES}.99`],
    ].map(([first = '', ...texts]) => number(first, first, ...texts)),
  },
  {
    type: 'double',
    values: [
      [undefined, '-Infinity', '-inf'],
      number('-1.7976931348623157e308'),
      number('-4.9e-324'),
      number('0.0', '0', '-0.0'),
      number('0.1'),
      number('0.30000000000000004'),
      number('9007199254740993', '9007199254740992'),
      [undefined, 'Infinity'],
      [undefined, 'NaN', 'nan'],
    ],
  },
  {
    type: 'float',
    values: [
      [undefined, '-Infinity'],
      number('-3.4028235e38'),
      number('0.0', '-0.0'),
      number('0.1', '0.10000000149'),
      number('1.1'),
      [undefined, 'Infinity', 'inf'],
      [undefined, 'NaN'],
    ],
  },
  {
    type: 'date',
    values: [
      quoted('-0044-03-15', '0045-03-15 (BC)'),
      quoted('0001-01-01'),
      quoted('1969-12-31'),
      quoted('1970-01-01'),
      quoted('9999-12-31'),
      quoted('+10000-01-01', '10000-01-01'),
    ],
  },
  {
    type: 'timestamp',
    values: [
      quoted('0001-01-01T00:00:00.000Z'),
      cut('1969-12-31T23:59:59.997Z', '1969-12-31T23:59:59.997001Z', '1969-12-31 23:59:59.997001+00'),
      quoted('1970-01-01T00:00:00.000Z', '1970-01-01 00:00:00'),
      cut('2024-01-01T00:00:00.001Z', '2024-01-01T00:00:00.001999Z', '2024-01-01T01:00:00.001999+01:00'),
      quoted('9999-12-31T23:59:59.999Z'),
    ],
  },
  {
    type: 'timestamp_ntz',
    values: [
      cut('1969-12-31T23:59:59.997', '1969-12-31 23:59:59.997999'),
      quoted('1970-01-01T00:00:00.000'),
      quoted('2024-01-01T00:00:00.001'),
    ],
  },
  {
    type: 'string',
    values: ['\0', 'Z', 'a', 'a\u0000', 'aa', 'é', '\uffee', '\ufffd', '😀', '😀a', '\u{10ffff}'].map(text =>
      quoted(text),
    ),
  },
  { type: 'boolean', values: [number('false'), number('true')] },
  {
    type: 'binary',
    values: [
      [undefined, '\u0000'],
      [undefined, '\u0001\u0002'],
      [undefined, 'a'],
    ],
  },
]

export interface Column {
  domain: Domain
  isPartition: boolean
  /** In the struct `s` instead of at the top level; no partition column is. */
  isNested: boolean
  /** The name in files where the table maps names, else undefined. */
  physical: string | undefined
}

const isInStruct = (one: Column): boolean => one.isNested && !one.isPartition
/** Places in the domains, one for each column; undefined is NULL. */
type ModelRow = readonly (number | undefined)[]
export type ModelPredicate =
  | { kind: 'compare'; column: number; op: CompareOperator; place: number; text: string }
  | { kind: 'isNull'; column: number }
  | { kind: 'and' | 'or'; of: readonly ModelPredicate[] }
  | { kind: 'not'; of: ModelPredicate }
  | { kind: 'expression'; expression: boolean | null }

/** Three-valued logic with `null` as NULL, row by row. */
export function holds(predicate: ModelPredicate, row: ModelRow): boolean | null {
  switch (predicate.kind) {
    case 'compare': {
      const value = row[predicate.column]
      if (value === undefined) return null
      const { op, place } = predicate
      const is = { '=': value === place, '<': value < place, '>': value > place }
      return op === '<>' ? !is['='] : [...op].some(sign => is[sign as '=' | '<' | '>'])
    }
    case 'isNull':
      return row[predicate.column] === undefined
    case 'and':
    case 'or': {
      const answers = predicate.of.map(one => holds(one, row))
      const decisive = predicate.kind === 'or'
      return answers.includes(decisive) ? decisive : answers.includes(null) ? null : !decisive
    }
    case 'not': {
      const answer = holds(predicate.of, row)
      return answer === null ? null : !answer
    }
    case 'expression':
      return predicate.expression
  }
}

const column: fc.Arbitrary<Omit<Column, 'physical'>> = fc.record({
  domain: fc.constantFrom(...DOMAINS),
  isPartition: fc.boolean(),
  isNested: fc.boolean(),
})

function predicateOf(columns: readonly Column[]): fc.Arbitrary<ModelPredicate> {
  const index = fc.nat(columns.length - 1)
  const operator = fc.constantFrom<CompareOperator>('=', '<>', '<', '<=', '>', '>=')
  const compare = (i: number, ops: fc.Arbitrary<CompareOperator>): fc.Arbitrary<ModelPredicate> =>
    fc.tuple(ops, placeOf(columns[i]), fc.nat(2)).map(([op, place, spelling]) => {
      const [, ...texts] = columns[i]?.domain.values[place] ?? [undefined]
      return { kind: 'compare', column: i, op, place, text: texts[spelling % texts.length] ?? '' }
    })
  const isIn = (i: number): fc.Arbitrary<ModelPredicate> =>
    fc.array(compare(i, fc.constant('=')), { minLength: 2, maxLength: 6 }).map(of => ({ kind: 'or', of }))
  return fc.letrec<{ any: ModelPredicate }>(tie => ({
    any: fc.oneof(
      { maxDepth: 3, withCrossShrink: true },
      index.chain(i => compare(i, operator)),
      index.chain(isIn),
      index.map((i): ModelPredicate => ({ kind: 'isNull', column: i })),
      fc
        .tuple(fc.constantFrom<'and' | 'or'>('and', 'or'), fc.array(tie('any'), { maxLength: 4 }))
        .map(([kind, of]): ModelPredicate => ({ kind, of })),
      tie('any').map((of): ModelPredicate => ({ kind: 'not', of })),
      fc.constantFrom(true, false, null).map((expression): ModelPredicate => ({ kind: 'expression', expression })),
    ),
  })).any
}

function placeOf(one: Column | undefined): fc.Arbitrary<number> {
  return fc.nat((one?.domain.values.length ?? 1) - 1)
}

export interface ModelFile {
  rows: readonly ModelRow[]
  /** Rows of the file before a deletion vector took some away: what its stats tell. */
  statsRows: readonly ModelRow[]
  /** Which stats the writer left out. */
  omitted: { min: boolean; max: boolean; nulls: boolean; all: boolean }
}

function fileOf(columns: readonly Column[]): fc.Arbitrary<ModelFile> {
  const cell = (one: Column): fc.Arbitrary<number | undefined> => fc.option(placeOf(one), { nil: undefined, freq: 4 })
  const rows = fc.array(fc.tuple(...columns.map(cell)), { minLength: 1, maxLength: 4 })
  const seldom = fc.nat(7).map(n => n === 0)
  const omitted = fc.record({ min: seldom, max: seldom, nulls: seldom, all: seldom })
  return fc.tuple(rows, omitted, fc.nat(3)).map(([all, leftOut, deleted]) => {
    const [first = []] = all
    const statsRows = all.map(row => row.map((value, i) => (columns[i]?.isPartition ? first[i] : value)))
    return { rows: statsRows.slice(Math.min(deleted, statsRows.length - 1)), statsRows, omitted: leftOut }
  })
}

export function addFile(columns: readonly Column[], file: ModelFile, path: string): AddFile {
  const [minValues, maxValues, nullCount] = [section(), section(), section()]
  const partitionValues: Record<string, string | null> = {}
  for (const [i, one] of columns.entries()) {
    const { domain, isPartition } = one
    const name = one.physical ?? `c${i}`
    const places = file.statsRows.flatMap(row => row[i] ?? [])
    if (isPartition) {
      const [place] = places
      partitionValues[name] = (place === undefined ? undefined : domain.values[place]?.[1]) ?? null
      continue
    }
    // NaN and infinities are passed over by writers that cannot say them, and so are the bounds they would be.
    const isNaNDomain = domain.type === 'double' || domain.type === 'float'
    const known = isNaNDomain ? places.filter(place => place !== domain.values.length - 1) : places
    const min = domain.values[Math.min(...known)]?.[0]
    const max = domain.values[Math.max(...known)]?.[0]
    if (min !== undefined && !file.omitted.min) minValues.add(one, name, min)
    if (max !== undefined && !file.omitted.max) maxValues.add(one, name, max)
    if (!file.omitted.nulls) nullCount.add(one, name, String(file.statsRows.length - places.length))
  }
  const stats = `{"numRecords":${file.statsRows.length},"minValues":${minValues.print()},"maxValues":${maxValues.print()},"nullCount":${nullCount.print()}}`
  const base = { path, uri: path, partitionValues, size: 1n, modificationTime: 0, dataChange: true }
  return file.omitted.all ? base : { ...base, stats }
}

/** One section of stats, with the struct where writers put it: wherever its first column comes. */
function section(): { add(column: Column, name: string, value: string): void; print(): string } {
  const top: (string | undefined)[] = []
  const nested: string[] = []
  return {
    add(one, name, value) {
      if (!isInStruct(one)) top.push(`"${name}":${value}`)
      else if (nested.push(`"${name}":${value}`) === 1) top.push(undefined)
    },
    print: () => `{${top.map(text => text ?? `"s":{${nested.join(',')}}`).join(',')}}`,
  }
}

export function toPredicate(columns: readonly Column[], model: ModelPredicate): Predicate<boolean | null> {
  const path = (index: number): string[] => {
    const one = columns[index]
    return one !== undefined && isInStruct(one) ? ['s', `c${index}`] : [`c${index}`]
  }
  switch (model.kind) {
    case 'compare':
      return { kind: 'compare', column: path(model.column), op: model.op, value: model.text }
    case 'isNull':
      return { kind: 'isNull', column: path(model.column) }
    case 'and':
    case 'or':
      return { kind: model.kind, of: model.of.map(one => toPredicate(columns, one)) }
    case 'not':
      return { kind: 'not', of: toPredicate(columns, model.of) }
    case 'expression':
      return model
  }
}

export function tableOf(columns: readonly Column[]): TableColumns {
  const isMapped = columns.some(one => one.physical !== undefined)
  const named = (physical: string | undefined): object =>
    isMapped ? { metadata: { 'delta.columnMapping.physicalName': physical ?? 's' } } : {}
  const fields = columns.map((one, i) => field(`c${i}`, one.domain.type, named(one.physical)))
  const nested = fields.filter((_, i) => columns[i] !== undefined && isInStruct(columns[i]))
  const top = fields.filter((_, i) => columns[i] !== undefined && !isInStruct(columns[i]))
  const struct = nested.length === 0 ? [] : [field('s', { type: 'struct', fields: nested }, named('s'))]
  return {
    schema: { type: 'struct', fields: [...struct, ...top] },
    protocol: { minReaderVersion: 2, minWriterVersion: 5 },
    metaData: {
      partitionColumns: columns.flatMap((one, i) => (one.isPartition ? [`c${i}`] : [])),
      configuration: isMapped ? { 'delta.columnMapping.mode': 'name' } : {},
    },
  }
}

const columnLists: fc.Arbitrary<Column[]> = fc
  .tuple(fc.array(column, { minLength: 1, maxLength: 3 }), fc.boolean())
  // Mapped names are those of other columns, so that a name that is not mapped finds the wrong one.
  .map(([columns, isMapped]) =>
    columns.map((one, i) => ({ ...one, physical: isMapped ? `c${(i + 1) % columns.length}` : undefined })),
  )

export const world = columnLists.chain(columns =>
  fc.record({
    columns: fc.constant(columns),
    files: fc.array(fileOf(columns), { maxLength: 5 }),
    predicate: predicateOf(columns),
  }),
)
