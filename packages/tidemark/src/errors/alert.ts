/**
 * Problems of alerting. None of them fails a run: an alert that cannot be sent stays in the outbox and is tried again,
 * and the run reports the problem as a warning.
 */
import { type ProblemKind, problem } from './problem.ts'

/** What a run that ended without naming a cause is reported as. */
export const RUN_ENDED_EARLY: ProblemKind<{ status: string }> = problem({
  code: 'RUN_ENDED_EARLY',
  title: 'The run ended before it was done.',
  message: (p: { status: string }) => `The run ended as ${p.status} and no step recorded a reason.`,
  hint: () => 'Run `tidemark run` again: finished tables are kept, the others continue where they stood.',
  retry: 'later',
  exit: 1,
  example: { status: 'abandoned' },
})

export const ALERT_NOT_DELIVERED: ProblemKind<{ channel: string; subject: string; reason: string }> = problem({
  code: 'ALERT_NOT_DELIVERED',
  title: 'An alert could not be sent yet.',
  message: (p: { channel: string; subject: string; reason: string }) =>
    `Channel ${p.channel} did not take "${p.subject}": ${p.reason}`,
  hint: () => 'It is kept in the lake and is sent by the next run, for up to 24 hours.',
  retry: 'later',
  exit: 3,
  example: {
    channel: 'mail',
    subject: '[music prod] bronze.DimUser failed',
    reason: 'mail.example.org:587 did not answer within 10 s.',
  },
})

export const ALERT_UNDELIVERABLE: ProblemKind<{ channel: string; subject: string; reason: string }> = problem({
  code: 'ALERT_UNDELIVERABLE',
  title: 'An alert is given up.',
  message: (p: { channel: string; subject: string; reason: string }) =>
    `Channel ${p.channel} never took "${p.subject}": ${p.reason}`,
  hint: (p: { channel: string }) =>
    `Repair channel ${p.channel}; the alert itself stays readable in system/alerts of the lake.`,
  retry: 'after-change',
  exit: 3,
  example: {
    channel: 'hook',
    subject: '[music prod] bronze.DimUser failed',
    reason: 'hooks.example.org answered 404.',
  },
})

export const ALERT_CHANNEL_MISSING: ProblemKind<{ channel: string }> = problem({
  code: 'ALERT_CHANNEL_MISSING',
  title: 'An alert waits for a channel that no longer exists.',
  message: (p: { channel: string }) =>
    `An alert was recorded for channel ${p.channel}, which tidemark.yml does not have.`,
  hint: (p: { channel: string }) => `Declare ${p.channel} again under alerts.channels to have it sent.`,
  retry: 'after-change',
  exit: 2,
  example: { channel: 'hook' },
})

export const ALERT_RECEIVER_REMOVED: ProblemKind<{ channel: string }> = problem({
  code: 'ALERT_RECEIVER_REMOVED',
  title: 'An alert waits for an address that no longer receives alerts.',
  message: (p: { channel: string }) =>
    `The address of the alert is not in the \`to\` list of channel ${p.channel} any more.`,
  hint: () => 'Nothing needs to be done: the alert is closed as undeliverable.',
  retry: 'never',
  exit: 2,
  example: { channel: 'mail' },
})

export const ALERT_WEBHOOK_URL: ProblemKind<{ channel: string; reason: string }> = problem({
  code: 'ALERT_WEBHOOK_URL',
  title: 'A webhook address cannot be used.',
  message: (p: { channel: string; reason: string }) => `The address of channel ${p.channel} ${p.reason}.`,
  hint: () =>
    'Give an https:// address. `allow_private: true` on the channel permits http and addresses in your network.',
  retry: 'after-change',
  exit: 2,
  example: { channel: 'hook', reason: 'is not https' },
})

export const ALERT_ADDRESS_REFUSED: ProblemKind<{ channel: string; host: string; address: string }> = problem({
  code: 'ALERT_ADDRESS_REFUSED',
  title: 'A webhook points into a private network.',
  message: (p: { channel: string; host: string; address: string }) =>
    `${p.host} of channel ${p.channel} is ${p.address}, which is not a public address.`,
  hint: () => 'If the receiver really is in your own network, write `allow_private: true` on the channel.',
  retry: 'after-change',
  exit: 2,
  example: { channel: 'hook', host: 'hooks.example.org', address: '169.254.169.254' },
})

export const ALERT_WEBHOOK_REFUSED: ProblemKind<{ channel: string; host: string; status: string }> = problem({
  code: 'ALERT_WEBHOOK_REFUSED',
  title: 'A webhook refused the alert.',
  message: (p: { channel: string; host: string; status: string }) =>
    `${p.host} of channel ${p.channel} answered ${p.status}.`,
  hint: () =>
    'Redirects are not followed: give the final address. For 401, 403, 404 and 410 check the address and its key.',
  retry: 'after-change',
  exit: 3,
  example: { channel: 'hook', host: 'hooks.example.org', status: '404' },
})

export const ALERT_WEBHOOK_UNREACHABLE: ProblemKind<{ channel: string; host: string; reason: string }> = problem({
  code: 'ALERT_WEBHOOK_UNREACHABLE',
  title: 'A webhook did not take the alert.',
  message: (p: { channel: string; host: string; reason: string }) => `${p.host} of channel ${p.channel}: ${p.reason}.`,
  hint: () => 'The alert stays in the outbox and is tried again.',
  retry: 'later',
  exit: 3,
  example: { channel: 'hook', host: 'hooks.example.org', reason: 'answered 503' },
})

export const ALERT_SIGNING_SECRET: ProblemKind<{ channel: string }> = problem({
  code: 'ALERT_SIGNING_SECRET',
  title: 'A webhook signing secret cannot be used.',
  message: (p: { channel: string }) => `The signing secret of channel ${p.channel} is not 24 to 64 bytes in base64.`,
  hint: () => 'Make one with: echo "whsec_$(openssl rand -base64 32)"',
  retry: 'after-change',
  exit: 2,
  example: { channel: 'hook' },
})

export const ALERT_SMTP_URL: ProblemKind<{ channel: string; reason: string }> = problem({
  code: 'ALERT_SMTP_URL',
  title: 'The mail server address cannot be read.',
  message: (p: { channel: string; reason: string }) => `The smtp address of channel ${p.channel} ${p.reason}.`,
  hint: () =>
    'Write smtp://user:password@host:587 (STARTTLS) or smtps://user:password@host:465; percent-encode : / @ % ? in user and password.',
  retry: 'after-change',
  exit: 2,
  example: { channel: 'mail', reason: 'has a port that is not a number from 1 to 65535' },
})

export const ALERT_MAIL_ADDRESS: ProblemKind<{ channel: string; key: string }> = problem({
  code: 'ALERT_MAIL_ADDRESS',
  title: 'A mail address cannot be used.',
  message: (p: { channel: string; key: string }) => `\`${p.key}\` of channel ${p.channel} is not a plain mail address.`,
  hint: () => 'Write name@example.org, or Name <name@example.org> in `from`.',
  retry: 'after-change',
  exit: 2,
  example: { channel: 'mail', key: 'from' },
})

export const ALERT_MAIL_REFUSED: ProblemKind<{ channel: string; server: string; answer: string }> = problem({
  code: 'ALERT_MAIL_REFUSED',
  title: 'The mail server refused the alert.',
  message: (p: { channel: string; server: string; answer: string }) =>
    `${p.server} of channel ${p.channel}: ${p.answer}`,
  hint: () => 'Check user, password, sender and receiver of the channel.',
  retry: 'after-change',
  exit: 3,
  example: { channel: 'mail', server: 'mail.example.org:587', answer: '535 authentication failed' },
})

export const ALERT_MAIL_UNREACHABLE: ProblemKind<{ channel: string; server: string; reason: string }> = problem({
  code: 'ALERT_MAIL_UNREACHABLE',
  title: 'The mail server did not take the alert.',
  message: (p: { channel: string; server: string; reason: string }) =>
    `${p.server} of channel ${p.channel}: ${p.reason}`,
  hint: () => 'The alert stays in the outbox and is tried again.',
  retry: 'later',
  exit: 3,
  example: { channel: 'mail', server: 'mail.example.org:587', reason: 'the connection was closed' },
})
