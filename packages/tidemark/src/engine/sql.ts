/**
 * The only place where text becomes SQL. A `sql` template takes identifiers, literals and other fragments, never bare
 * strings, so nothing from outside can become syntax.
 */

/** A finished fragment of SQL. Only this file makes one. */
export class Sql {
  readonly text: string
  private constructor(text: string) {
    this.text = text
  }
  /** Used by the functions below and by nothing else. */
  static unchecked(text: string): Sql {
    return new Sql(text)
  }
  toString(): string {
    return this.text
  }
}

/** Join fragments by a template: every hole must already be a fragment. */
export function sql(strings: TemplateStringsArray, ...holes: readonly Sql[]): Sql {
  let text = strings[0] ?? ''
  for (const [i, hole] of holes.entries()) text += hole.text + (strings[i + 1] ?? '')
  return Sql.unchecked(text)
}

/** An identifier, quoted as DuckDB, Postgres and the SQL standard do. Refuses NUL, which no dialect can quote. */
export function ident(...parts: readonly string[]): Sql {
  return Sql.unchecked(
    parts
      .map(part => {
        if (part === '' || part.includes('\0')) throw new TypeError('an identifier is neither empty nor contains NUL')
        return `"${part.replaceAll('"', '""')}"`
      })
      .join('.'),
  )
}

/** An identifier as MySQL and MariaDB quote it whatever their mode: for statements that people run in sessions of theirs. */
export function backticked(...parts: readonly string[]): Sql {
  return Sql.unchecked(
    parts
      .map(part => {
        if (part === '' || part.includes('\0')) throw new TypeError('an identifier is neither empty nor contains NUL')
        return `\`${part.replaceAll('`', '``')}\``
      })
      .join('.'),
  )
}

/** A text literal. DuckDB and Postgres with standard_conforming_strings give backslash no meaning. */
export function text(value: string): Sql {
  if (value.includes('\0')) throw new TypeError('a text literal cannot contain NUL')
  return Sql.unchecked(`'${value.replaceAll("'", "''")}'`)
}

/** An integer literal, exact for any size. */
export function integer(value: bigint | number): Sql {
  if (typeof value === 'number' && !Number.isSafeInteger(value)) throw new TypeError(`${value} is not a safe integer`)
  return Sql.unchecked(String(value))
}

/** Join fragments by a separator; an empty list gives an empty fragment. */
export function join(parts: readonly Sql[], separator = ', '): Sql {
  return Sql.unchecked(parts.map(p => p.text).join(separator))
}

/** A list of text literals: `['a', 'b']`. */
export function textList(values: readonly string[]): Sql {
  return sql`[${join(values.map(text))}]`
}

/** A fragment that is part of our own program text: keywords, type names from our own tables. Never from input. */
export function raw(programText: string): Sql {
  return Sql.unchecked(programText)
}

/** Parsed and checked user SQL; only the portable-SQL checker, the query gate and filters of sources call this. */
export function checked(userText: string): Sql {
  return Sql.unchecked(userText)
}
