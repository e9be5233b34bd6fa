/** References as other tools write them, and the form that means the same here. Pure. */

/** The reference as written and the sentence that corrects it; undefined when the text holds none. */
export function rightForm(text: string): { written: string; right: string } | undefined {
  const shell = /^\$\{?([A-Z_][A-Z0-9_]*)\}?$/.exec(text.trim())
  if (shell?.[1] !== undefined) return { written: text.trim(), right: secretForm(shell[1]) }
  const double = /\$?\{\{\s*(.*?)\s*\}\}/.exec(text)
  if (double?.[1] !== undefined) return { written: double[0], right: templateForm(double[1]) }
  const env = /\$\{(?:env|ENV|oc\.env)[.:]([^{}]+)\}/.exec(text)
  if (env?.[1] !== undefined) return { written: env[0], right: secretForm(cleanName(env[1])) }
  const secret = /\$\{secrets?[.:/]([^{}]+)\}/.exec(text)
  if (secret?.[1] !== undefined) return { written: secret[0], right: secretForm(cleanName(secret[1])) }
  const cloud = /\$\{(?:workspace|resources|artifacts)\.[^{}]*\}/.exec(text)
  if (cloud !== null)
    return { written: cloud[0], right: 'Only a Databricks workspace knows this; write the value, or a variable.' }
  return undefined
}

function secretForm(name: string): string {
  return `Write the whole value as \`{ secret: env:${name} }\`; for what is not secret, declare a variable and set TIDEMARK_VAR_name.`
}

function templateForm(inside: string): string {
  const quoted = /^(?:env_var|env)\(?\s*['"]([^'"]+)['"]/.exec(inside)?.[1]
  const dotted = /^(?:secrets?|env)[./]([\w./-]+)$/.exec(inside)?.[1]
  const name = quoted ?? dotted
  if (name !== undefined) return secretForm(cleanName(name))
  const variable = /^(?:var\(['"])?([\w.]+)/.exec(inside)?.[1] ?? 'name'
  return `Write \${var.${variable.replace(/^var\./, '')}} and declare it under \`variables\`.`
}

function cleanName(name: string): string {
  return name.trim().replaceAll(/[^A-Za-z0-9_]/g, '_')
}
