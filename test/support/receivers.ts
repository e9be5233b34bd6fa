/** Real receivers of alerts in this process: an SMTP and an HTTP server that behave, or misbehave, as told. */
import { createServer, type IncomingHttpHeaders, type Server, type ServerResponse } from 'node:http'
import { type AddressInfo, createServer as createTcpServer, type Server as TcpServer, type Socket } from 'node:net'
import { SMTPServer, type SMTPServerOptions } from 'smtp-server'

export interface MailReceived {
  to: string[]
  /** The whole message, headers first. */
  message: string
  header(name: string): string | undefined
}

export interface MailServer extends AsyncDisposable {
  readonly port: number
  readonly mails: MailReceived[]
}

/** What the server says to the n-th message (from 0): undefined accepts, a number is the code of a refusal. */
export type MailVerdict = (n: number) => number | undefined

export async function startMailServer(
  verdict: MailVerdict = () => undefined,
  options: SMTPServerOptions = {},
): Promise<MailServer> {
  const mails: MailReceived[] = []
  let seen = 0
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS'],
    ...options,
    onData(stream, session, done) {
      const chunks: Buffer[] = []
      stream.on('data', (chunk: Buffer) => chunks.push(chunk))
      stream.on('end', () => {
        const code = verdict(seen++)
        if (code !== undefined) return done(Object.assign(new Error('not now'), { responseCode: code }))
        const message = Buffer.concat(chunks).toString('utf8')
        const unfolded = message.split('\r\n\r\n')[0]?.replaceAll(/\r\n[ \t]/g, ' ') ?? ''
        mails.push({
          to: session.envelope.rcptTo.map(one => one.address),
          message,
          header: name => new RegExp(`^${name}: (.*)$`, 'im').exec(unfolded)?.[1],
        })
        return done()
      })
    },
  })
  server.on('error', () => {})
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', () => resolve()))
  const { port } = server.server.address() as AddressInfo
  return { port, mails, [Symbol.asyncDispose]: () => new Promise<void>(resolve => server.close(() => resolve())) }
}

export interface PostReceived {
  headers: IncomingHttpHeaders
  body: string
}

export interface HookServer extends AsyncDisposable {
  readonly port: number
  readonly posts: PostReceived[]
}

/** `answer` gets the number of the request (from 0) and writes the response, or leaves it hanging. */
export async function startHookServer(answer: (n: number, response: ServerResponse) => void): Promise<HookServer> {
  const posts: PostReceived[] = []
  const server: Server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      posts.push({ headers: request.headers, body: Buffer.concat(chunks).toString('utf8') })
      answer(posts.length - 1, response)
    })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', () => resolve()))
  const close = (): Promise<void> =>
    new Promise(resolve => {
      server.close(() => resolve())
      server.closeAllConnections()
    })
  return { port: (server.address() as AddressInfo).port, posts, [Symbol.asyncDispose]: close }
}

/** A TCP server that never says a word (`silent`) or hangs up at once (`drop`). */
export async function startBrokenServer(how: 'silent' | 'drop'): Promise<AsyncDisposable & { port: number }> {
  const sockets = new Set<Socket>()
  const server: TcpServer = createTcpServer(socket => {
    sockets.add(socket)
    socket.on('error', () => {})
    if (how === 'drop') socket.destroy()
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', () => resolve()))
  const close = (): Promise<void> =>
    new Promise(resolve => {
      server.close(() => resolve())
      for (const socket of sockets) socket.destroy()
    })
  return { port: (server.address() as AddressInfo).port, [Symbol.asyncDispose]: close }
}
