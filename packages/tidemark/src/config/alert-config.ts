/** Channels and rules of tidemark.yml: each rule sends to channels that exist, each channel is of one kind. */
import { ALERT_MAIL_ADDRESS } from '../errors/alert.ts'
import { CHANNEL_UNKNOWN, CONFIG_CONFLICT, CONFIG_MISSING_KEY } from '../errors/config.ts'
import { Problem } from '../errors/problem.ts'
import type { AlertChannelConfig, AlertConfig, AlertRule, SecretRef, TextOrSecret } from '../model/project.ts'
import { parseDuration } from './duration.ts'
import { type ConfigNode, findEntry, findNode, keyPlaceOf, type Path, placeOf } from './node.ts'
import type { ChannelInput, ProjectInput, RuleInput } from './project-schema.ts'
import type { SecretInput } from './schema-words.ts'
import { readSecretInput } from './source-config.ts'
import { suggest } from './suggest.ts'

/** `alerts` as the model holds it, with every problem found. `node` is the tree of `alerts`. */
export function buildAlerts(
  input: ProjectInput['alerts'],
  node: ConfigNode,
): { alerts: AlertConfig; problems: readonly Problem[] } {
  const problems: Problem[] = []
  const written = Object.entries(input?.channels ?? {})
  const channels = written.flatMap(([name, channel]) => buildChannel(name, channel, node, problems) ?? [])
  const known = written.map(([name]) => name)
  const rules = (input?.rules ?? []).map((rule, i) => buildRule(rule, node, i, known, problems))
  return { alerts: { channels, rules }, problems }
}

function buildChannel(
  name: string,
  input: ChannelInput,
  node: ConfigNode,
  problems: Problem[],
): AlertChannelConfig | undefined {
  const path: Path = ['channels', name]
  const place = keyPlaceOf(node, path)
  const open = (value: SecretInput, at: Path): TextOrSecret => {
    const found = readSecretInput(value, findNode(node, [...path, ...at]))
    if (!(found instanceof Problem)) return found
    problems.push(found)
    return ''
  }
  if (input.webhook !== undefined && input.email !== undefined) {
    const reason = `Channel ${name} is both a webhook and e-mail`
    problems.push(CONFIG_CONFLICT({ reason, hint: 'Make two channels; a rule can send to both.' }, { place }))
    return undefined
  }
  if (input.webhook !== undefined) {
    return {
      kind: 'webhook',
      name,
      url: open(input.webhook, ['webhook']),
      sign: buildSign(input.sign, findNode(node, [...path, 'sign']), problems),
      allowPrivate: input.allow_private ?? false,
      place,
    }
  }
  if (input.email === undefined) {
    const hint = 'Add `webhook: { secret: env:NAME }` or `email: { to: [...], smtp: { secret: env:NAME } }`.'
    problems.push(CONFIG_MISSING_KEY({ key: 'webhook', where: `alerts.channels.${name}`, hint }, { place }))
    return undefined
  }
  for (const key of ['allow_private', 'sign'] as const) {
    if (input[key] === undefined) continue
    const reason = `\`${key}\` has no meaning for the e-mail channel ${name}`
    problems.push(CONFIG_CONFLICT({ reason, hint: 'Remove it.' }, { place: keyPlaceOf(node, [...path, key]) }))
  }
  const to = [input.email.to].flat()
  const from = input.email.from ?? to[0] ?? ''
  if (to.length === 0 || !to.every(isMailAddress)) {
    problems.push(ALERT_MAIL_ADDRESS({ channel: name, key: 'to' }, { place: placeOf(node, [...path, 'email', 'to']) }))
  } else if (!isMailAddress(from.replace(/^[^<>"\r\n]*<([^<>]+)>$/, '$1'))) {
    problems.push(
      ALERT_MAIL_ADDRESS({ channel: name, key: 'from' }, { place: placeOf(node, [...path, 'email', 'from']) }),
    )
  }
  return { kind: 'email', name, from, to, smtp: open(input.email.smtp, ['email', 'smtp']), place }
}

/** The signing key; it is never written in the file, so that everybody who reads the file cannot sign. */
function buildSign(
  input: ChannelInput['sign'],
  node: ConfigNode | undefined,
  problems: Problem[],
): { secret: SecretRef } | undefined {
  if (input === undefined) return undefined
  const found = readSecretInput(input, node)
  if (found instanceof Problem) problems.push(found)
  return found instanceof Problem || typeof found === 'string' ? undefined : found
}

/** Strict on purpose: quoted local parts and comments have led mail astray. */
function isMailAddress(text: string): boolean {
  return /^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$/.test(text)
}

function buildRule(
  input: RuleInput,
  node: ConfigNode,
  index: number,
  known: readonly string[],
  problems: Problem[],
): AlertRule {
  const path: Path = ['rules', index]
  const send = [input.send].flat()
  const sendNode = findEntry(findNode(node, path), 'send')?.value
  for (const [i, name] of send.entries()) {
    if (known.includes(name)) continue
    const place = findNode(sendNode, sendNode?.kind === 'list' ? [i] : [])?.place
    problems.push(CHANNEL_UNKNOWN({ name, suggestion: suggest(name, known), known }, { place }))
  }
  const on = [...new Set([input.on].flat())]
  const repeat = input.repeat_after
  if (repeat !== undefined && !on.includes('failure')) {
    const reason = '`repeat_after` has no meaning in a rule that is not about failures'
    const hint = 'Remove it, or add failure to `on`.'
    problems.push(CONFIG_CONFLICT({ reason, hint }, { place: keyPlaceOf(node, [...path, 'repeat_after']) }))
  }
  const repeatAfterMs = repeat === undefined ? undefined : parseDuration(repeat)
  return { on, send: [...new Set(send)], repeatAfterMs, place: { ...placeOf(node, path), length: 1 } }
}
