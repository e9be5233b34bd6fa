/**
 * The words a filter may hold. All of them mean the same whenever they are asked: what is not here, as a clock, a random
 * number, a subquery or a function of somebody's own, is refused by name.
 */

const words = (list: string): ReadonlySet<string> => new Set(list.split(' '))

/** Words of the language. */
export const KEYWORDS: ReadonlySet<string> = words(
  'and or not is null in between like ilike escape true false unknown case when then else end as distinct from for at zone',
)

/** Functions that depend on nothing but what they are given, in one of the databases at least. */
export const FUNCTIONS: ReadonlySet<string> = words(
  'lower upper trim ltrim rtrim btrim length char_length character_length octet_length len datalength substr substring left right ' +
    'replace reverse position strpos instr charindex concat starts_with abs round floor ceil ceiling sign mod power sqrt ' +
    'coalesce nullif ifnull isnull iif greatest least cast extract datepart date_trunc year month day json_value json_extract',
)

/** Those that MySQL does not have itself: there, such a name would be a function of somebody's own. */
export const NOT_OF_MYSQL: ReadonlySet<string> = words(
  'len datalength btrim strpos charindex starts_with iif datepart date_trunc',
)

/** Names of types, for casts and before a literal. A column of such a name is the column everywhere else. */
export const TYPES: ReadonlySet<string> = words(
  'date time timestamp timestamptz interval text varchar nvarchar char nchar character int integer bigint smallint tinyint ' +
    'numeric decimal real double precision float boolean bool bit uuid datetime datetime2 datetimeoffset signed unsigned binary',
)

/** Types that take a length. */
export const SIZED_TYPES: ReadonlySet<string> = words(
  'varchar nvarchar char nchar character numeric decimal datetime2 float binary',
)

/** Parts of a time, as the first word of `extract` and `datepart`. */
export const PARTS: ReadonlySet<string> = words('year quarter month week day hour minute second dow doy isodow isoyear')

/** Longer ones first. */
export const OPERATORS: readonly string[] = ['<=', '>=', '<>', '!=', '||', '::', '=', '<', '>', '+', '-', '*', '/', '%']

/** A text that a database may read as a moment that moves, whatever signs stand around the word. */
export const MOVING_MOMENT: RegExp = /(?<![a-z])(?:now|today|tomorrow|yesterday)(?![a-z])/i
