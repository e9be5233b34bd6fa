/** Random texts that are nearly dates, moments, numbers or truths, for casts: most of them are none. */
import fc, { type Arbitrary } from 'fast-check'

const pick = (...values: readonly string[]): Arbitrary<string> => fc.constantFrom(...values)
const digits = (minLength: number, maxLength: number): Arbitrary<string> =>
  fc.string({ unit: pick(...'0123456789'), minLength, maxLength })
const join = (...parts: readonly Arbitrary<string>[]): Arbitrary<string> => fc.tuple(...parts).map(all => all.join(''))
const maybe = (...parts: readonly Arbitrary<string>[]): Arbitrary<string> => fc.oneof(fc.constant(''), join(...parts))

const year = join(pick('', '', '+'), fc.oneof(pick('2024', '1970', '0001', '9999', '1582'), digits(3, 5)))
const monthAndDay = maybe(
  pick('-'),
  pick('1', '02', '12', '13', '0'),
  maybe(pick('-'), pick('1', '28', '29', '30', '31', '32', '00')),
)
const offset = join(
  pick('+', '-'),
  pick('2', '02', '18', '19', '0', '00'),
  maybe(pick(':', ''), pick('0', '00', '30', '59', '60', '5')),
)
const zone = join(
  pick('', ' ', '  '),
  fc.oneof(pick('Z', 'UTC', 'GMT', 'z', 'UT', ''), offset, join(pick('UTC', 'GMT'), offset)),
)
const seconds = maybe(pick(':'), pick('0', '07', '59', '60'), maybe(pick('.'), digits(0, 9)), maybe(zone))
const time = join(
  pick(' ', 'T', ' ', '  ', 't'),
  pick('0', '10', '23', '24', '9'),
  maybe(pick(':'), pick('0', '05', '59', '60'), seconds),
)

export const momentText: Arbitrary<string> = join(
  pick('', '', ' ', '\t'),
  year,
  monthAndDay,
  fc.oneof(fc.constant(''), time),
  pick('', '', ' ', '\n', 'x'),
)

const exponent = maybe(pick('e', 'E'), pick('', '+', '-'), digits(0, 3))
const number = join(
  pick('', ' ', '\t', '\u00a0'),
  pick('', '', '+', '-', '--'),
  maybe(digits(1, 22)),
  maybe(pick('.'), digits(0, 20)),
  exponent,
  pick('', '', 'd', 'F', 'l', ' ', '\r'),
)
const words = `NaN nan +NaN -nan inf -Inf Infinity +infinity INFINITY infinit true TRUE yes No y n 1 0 2 on`.split(' ')

/** Zeros with an exponent are left out: Spark counts the places of 0E61, which has no digits. */
export const numberText: Arbitrary<string> = fc
  .oneof({ weight: 5, arbitrary: number }, { weight: 1, arbitrary: pick('', ' ', ' t', 'f ', ...words) })
  .filter(text => !/^[\s+-]*[0.]*e/i.test(text))

/** As Spark writes a text. */
export function textLiteral(text: string): string {
  return `'${text.replaceAll(/[\\']/g, String.raw`\$&`)}'`
}
