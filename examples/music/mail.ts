/** A mail server in this process that takes any mail and shows it: alerts of the demo are really sent, and go nowhere. */
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { SMTPServer } from 'smtp-server'

export interface Mail {
  to: string
  subject: string
  /** The plain text part. */
  text: string
}

export interface MailServer extends AsyncDisposable {
  /** Address for the project's .env. */
  readonly url: string
  /** What has arrived, oldest first. */
  readonly mails: readonly Mail[]
}

/** Listen on a free port of the loopback interface. `onMail` is told of each mail after it was taken. */
export async function startMailServer(onMail: (mail: Mail) => void = () => undefined): Promise<MailServer> {
  const mails: Mail[] = []
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS', 'AUTH'],
    onData(stream, session, done) {
      const chunks: Buffer[] = []
      stream.on('data', (chunk: Buffer) => chunks.push(chunk))
      stream.on('end', () => {
        const to = session.envelope.rcptTo.map(receiver => receiver.address).join(', ')
        const mail = parseMail(Buffer.concat(chunks).toString('utf8'), to)
        mails.push(mail)
        done()
        onMail(mail)
      })
    },
  })
  server.on('error', () => undefined)
  server.listen(0, '127.0.0.1')
  await once(server.server, 'listening')
  const { port } = server.server.address() as AddressInfo
  return {
    url: `smtp://127.0.0.1:${port}?tls=off`,
    mails,
    [Symbol.asyncDispose]: () => new Promise(resolve => server.close(() => resolve())),
  }
}

/** Subject and text of a message, enough for what Tidemark sends: one text part, perhaps quoted-printable. */
export function parseMail(message: string, to: string): Mail {
  const [head = ''] = message.split('\r\n\r\n', 1)
  const subject = /^Subject: (.*)$/im.exec(unfold(head))?.[1] ?? ''
  const part = /Content-Type: text\/plain[\s\S]*?\r\n\r\n([\s\S]*?)(?:\r\n--|$)/i.exec(message)
  const isQuoted = /quoted-printable/i.test(part?.[0].split('\r\n\r\n', 1)[0] ?? '')
  const body = (part?.[1] ?? '').replaceAll('\r\n', '\n')
  return { to, subject: decodeWords(subject), text: (isQuoted ? decodeQuoted(body) : body).trim() }
}

function unfold(head: string): string {
  return head.replaceAll(/\r\n[ \t]+/g, ' ')
}

function decodeQuoted(text: string): string {
  const bytes = text
    .replaceAll('=\n', '')
    .replaceAll(/=([0-9A-F]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
  // Characters that came as they are count as their own bytes too: mail is seven bits wide here.
  return Buffer.from(bytes, 'latin1').toString('utf8')
}

function decodeWords(subject: string): string {
  return subject.replaceAll(/=\?utf-8\?([bq])\?([^?]*)\?=\s*/gi, (_, kind: string, word: string) =>
    kind.toLowerCase() === 'b' ? Buffer.from(word, 'base64').toString('utf8') : decodeQuoted(word.replaceAll('_', ' ')),
  )
}
