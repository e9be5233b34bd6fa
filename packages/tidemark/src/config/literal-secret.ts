/** Passwords written out in the project's files: found by their key or by the shape of a URL. */
import { SECRET_LITERAL } from '../errors/reference.ts'
import type { Problem } from '../errors/problem.ts'
import { printPath } from './check.ts'
import { type ConfigNode, mapScalars } from './node.ts'
import { hasUrlPassword } from './redact.ts'

/** One problem for each literal secret; the text itself is never repeated. */
export function findLiteralSecrets(node: ConfigNode): Problem[] {
  const problems: Problem[] = []
  mapScalars(node, (scalar, path) => {
    const key = String(path.at(-1))
    const isSecretKey =
      /^(password|authorization|x-api-key)$/i.test(key) && typeof scalar.value === 'string' && scalar.value !== ''
    if (isSecretKey || (typeof scalar.value === 'string' && hasUrlPassword(scalar.value))) {
      problems.push(SECRET_LITERAL({ key: printPath(path) }, { place: scalar.place }))
    }
    return scalar
  })
  return problems
}
