/**
 * The few forms of Thrift's compact protocol that Parquet's own structures are written in. It promises bytes for the values
 * it is given; which fields a structure has is its caller's to know.
 */

export type ThriftValue =
  | { readonly kind: 'boolean'; readonly value: boolean }
  | { readonly kind: 'i8' | 'i32' | 'i64'; readonly value: number }
  | { readonly kind: 'text'; readonly value: string }
  | { readonly kind: 'list'; readonly of: ThriftValue['kind']; readonly values: readonly ThriftValue[] }
  | { readonly kind: 'struct'; readonly fields: readonly ThriftField[] }

/** Ids rise within a structure, by less than 16. */
export type ThriftField = readonly [id: number, value: ThriftValue]

/** Codes of the compact protocol. A boolean's value is in its code: 1 true, 2 false. */
const CODES = { boolean: 2, i8: 3, i32: 5, i64: 6, text: 8, list: 9, struct: 12 } as const

export const i32 = (value: number): ThriftValue => ({ kind: 'i32', value })
export const i64 = (value: number): ThriftValue => ({ kind: 'i64', value })
export const utf8 = (value: string): ThriftValue => ({ kind: 'text', value })
export const struct = (...fields: readonly ThriftField[]): ThriftValue => ({ kind: 'struct', fields })
export const list = (of: ThriftValue['kind'], values: readonly ThriftValue[]): ThriftValue => ({
  kind: 'list',
  of,
  values,
})

/** The bytes of a structure. */
export function encodeThrift(value: ThriftValue): Buffer {
  const out: number[] = []
  write(out, value)
  return Buffer.from(out)
}

/** Unsigned, seven bits a byte, lowest first. */
export function pushVarint(out: number[], value: number): void {
  let left = value
  // Division, because a shift would cut to 32 bits.
  for (; left >= 0x80; left = Math.floor(left / 0x80)) out.push((left % 0x80) | 0x80)
  out.push(left)
}

function write(out: number[], value: ThriftValue): void {
  switch (value.kind) {
    case 'boolean':
      throw new TypeError('this is a bug in tidemark: a boolean is written with its field')
    case 'i8':
      out.push(value.value & 0xff)
      return
    case 'i32':
    case 'i64':
      // Zigzag: signs alternate, so that small numbers are short.
      pushVarint(out, value.value < 0 ? -2 * value.value - 1 : 2 * value.value)
      return
    case 'text': {
      const bytes = Buffer.from(value.value)
      pushVarint(out, bytes.length)
      for (const byte of bytes) out.push(byte)
      return
    }
    case 'list':
      writeList(out, value.of, value.values)
      return
    case 'struct':
      writeFields(out, value.fields)
  }
}

function writeList(out: number[], of: ThriftValue['kind'], values: readonly ThriftValue[]): void {
  if (values.length < 15) out.push((values.length << 4) | CODES[of])
  else {
    out.push(0xf0 | CODES[of])
    pushVarint(out, values.length)
  }
  for (const value of values) write(out, value)
}

function writeFields(out: number[], fields: readonly ThriftField[]): void {
  let before = 0
  for (const [id, value] of fields) {
    const code = value.kind === 'boolean' && value.value ? 1 : CODES[value.kind]
    out.push(((id - before) << 4) | code)
    if (value.kind !== 'boolean') write(out, value)
    before = id
  }
  out.push(0)
}
