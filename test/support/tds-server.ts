/**
 * A server that speaks just enough of TDS 7.4 for a driver: prelogin, encryption, login by password or token, batches with
 * rows of text, errors by number, and the attention signal. It answers what a test tells it to.
 */
import { once } from 'node:events'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { Duplex } from 'node:stream'
import { createSecureContext, TLSSocket } from 'node:tls'

export interface TdsLogin {
  user: string
  password: string
  database: string
  /** Text of the token, when one was sent. */
  token: string | undefined
  readOnly: boolean
  encrypted: boolean
}

export interface TdsError {
  number: number
  message: string
}

/** What a batch is answered with: an error, or rows as they are asked for. */
export interface TdsAnswer {
  columns?: readonly string[]
  rows?: Iterable<readonly (string | null)[]>
  /** Type of the columns; text when left out. */
  type?: 'int'
  /** Rows that the server says it sent; those it did when left out. */
  count?: number
  error?: TdsError
}

export interface TdsServer extends AsyncDisposable {
  port: number
  logins: readonly TdsLogin[]
  batches: readonly string[]
  /** Attention signals that were answered. */
  attentions: number
  /** Rows written so far by all batches. */
  rowsSent: number
  /** Break every connection. */
  drop(): void
}

export interface TdsOptions {
  login?: (login: TdsLogin) => TdsError | undefined
  answer?: (batch: string) => TdsAnswer
  /** In place of `answer`, one for each connection. */
  connect?: () => (batch: string) => TdsAnswer
  tls?: { key: string; cert: string }
}

const PRELOGIN = 0x12
const LOGIN = 0x10
const BATCH = 0x01
const ATTENTION = 0x06
const REPLY = 0x04

export async function startTdsServer(options: TdsOptions = {}): Promise<TdsServer> {
  const state = { logins: [] as TdsLogin[], batches: [] as string[], attentions: 0, rowsSent: 0 }
  const sockets = new Set<Socket>()
  const server: Server = createServer(socket => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    socket.on('error', () => undefined)
    serve(socket, options, state)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const drop = (): void => {
    for (const socket of sockets) socket.destroy()
  }
  return Object.assign(state, {
    port: (server.address() as AddressInfo).port,
    drop,
    [Symbol.asyncDispose]: async () => {
      drop()
      server.close()
      await once(server, 'close')
    },
  })
}

type State = Pick<TdsServer, 'attentions' | 'rowsSent'> & { logins: TdsLogin[]; batches: string[] }

function serve(socket: Socket, options: TdsOptions, state: State): void {
  let line: Duplex = socket
  let running = { isStopped: false, finished: Promise.resolve() }
  let encrypted = false
  const answer = options.connect?.() ?? options.answer
  const onMessage = (type: number, body: Buffer): void => {
    if (type === PRELOGIN) {
      const asks = body.includes(0xff) ? encryptionOf(body) : 2
      const isOn = options.tls !== undefined && asks !== 2
      line.write(packets(preloginReply(options.tls === undefined ? 2 : 1)))
      if (options.tls !== undefined && isOn) {
        line = secure(socket, options.tls)
        encrypted = true
        receive(line, onMessage)
      }
    } else if (type === LOGIN) {
      const login = { ...readLogin(body), encrypted }
      state.logins.push(login)
      const error = options.login?.(login)
      line.write(packets(error === undefined ? loginReply(login) : Buffer.concat([errorToken(error), done(2, 0)])))
    } else if (type === ATTENTION) {
      running.isStopped = true
      state.attentions += 1
      void acknowledge(line, running.finished)
    } else if (type === BATCH) {
      const batch = body.subarray(body.readUInt32LE(0)).toString('utf16le')
      state.batches.push(batch)
      const started = { isStopped: false, finished: Promise.resolve() }
      running = started
      started.finished = respond(line, answer?.(batch) ?? {}, state, () => started.isStopped)
    }
  }
  receive(socket, onMessage)
}

/** An attention has an answer of its own, after that of the batch. */
async function acknowledge(line: Duplex, finished: Promise<void>): Promise<void> {
  await finished
  line.write(packets(done(0x20, 0)))
}

async function respond(line: Duplex, answer: TdsAnswer, state: State, isStopped: () => boolean): Promise<void> {
  const { columns, rows = [], error, type } = answer
  if (error !== undefined) {
    line.write(packets(Buffer.concat([errorToken(error), done(2, 0)])))
    return
  }
  if (columns === undefined) {
    line.write(packets(done(0, 0)))
    return
  }
  let sent = 0
  let part = [columnMetadata(columns, type)]
  for (const row of rows) {
    part.push(rowToken(row, type))
    sent += 1
    state.rowsSent += 1
    if (part.length < 64) continue
    if (!line.write(packet(Buffer.concat(part), false))) await Promise.race([once(line, 'drain'), once(line, 'close')])
    part = []
    await new Promise(resolve => setImmediate(resolve))
    if (line.destroyed) return
    if (isStopped()) break
  }
  part.push(done(0x10, answer.count ?? sent))
  line.write(packet(Buffer.concat(part), true))
}

/** Messages from packets: an eight-byte head, the last one marked. */
function receive(line: Duplex, onMessage: (type: number, body: Buffer) => void): void {
  let buffered = Buffer.alloc(0)
  let body: Buffer[] = []
  const take = (chunk: Buffer): void => {
    buffered = Buffer.concat([buffered, chunk])
    while (buffered.length >= 8 && buffered.length >= buffered.readUInt16BE(2)) {
      const length = buffered.readUInt16BE(2)
      const [type = 0, status = 0] = buffered
      body.push(buffered.subarray(8, length))
      buffered = buffered.subarray(length)
      if ((status & 1) === 0) continue
      const whole = Buffer.concat(body)
      body = []
      onMessage(type, whole)
      // After the answer to a prelogin the bytes are of TLS.
      if (type === PRELOGIN && line.listenerCount('data') === 0) return
    }
  }
  line.on('data', take)
  line.on('error', () => undefined)
}

/** TLS whose handshake travels in prelogin packets, and everything after it as it is. */
function secure(socket: Socket, { key, cert }: { key: string; cert: string }): TLSSocket {
  socket.removeAllListeners('data')
  let isHandshake = true
  let buffered = Buffer.alloc(0)
  let flight: Buffer[] = []
  const inner = new Duplex({
    read: () => undefined,
    write: (chunk: Buffer, _encoding, callback) => {
      if (!isHandshake) {
        socket.write(chunk, () => callback())
        return
      }
      // Each message of the driver has one answer, however many records are in it.
      if (flight.length === 0) {
        setImmediate(() => {
          socket.write(packets(Buffer.concat(flight), REPLY))
          flight = []
        })
      }
      flight.push(chunk)
      callback()
    },
  })
  socket.on('data', (chunk: Buffer) => {
    if (!isHandshake) {
      inner.push(chunk)
      return
    }
    buffered = Buffer.concat([buffered, chunk])
    // The driver's last flight of the handshake is in a packet, its first record of data is not.
    while (buffered.length >= 8 && buffered[0] === PRELOGIN && buffered.length >= buffered.readUInt16BE(2)) {
      inner.push(buffered.subarray(8, buffered.readUInt16BE(2)))
      buffered = buffered.subarray(buffered.readUInt16BE(2))
    }
    if (buffered.length > 0 && buffered[0] !== PRELOGIN) {
      isHandshake = false
      inner.push(buffered)
      buffered = Buffer.alloc(0)
    }
  })
  socket.on('close', () => inner.push(null))
  const context = createSecureContext({ key, cert, maxVersion: 'TLSv1.2' })
  const line = new TLSSocket(inner, { isServer: true, secureContext: context })
  line.on('error', () => undefined)
  return line
}

const packets = (body: Buffer, type = REPLY): Buffer => {
  const parts: Buffer[] = []
  for (let at = 0; at === 0 || at < body.length; at += 4000) {
    parts.push(packet(body.subarray(at, at + 4000), at + 4000 >= body.length, type))
  }
  return Buffer.concat(parts)
}

function packet(body: Buffer, isLast: boolean, type = REPLY): Buffer {
  const head = Buffer.alloc(8)
  head[0] = type
  head[1] = isLast ? 1 : 0
  head.writeUInt16BE(body.length + 8, 2)
  return Buffer.concat([head, body])
}

/** What a prelogin asks for: 0 off, 1 on, 2 not supported, 3 required. */
function encryptionOf(body: Buffer): number {
  for (let at = 0; body[at] !== 0xff; at += 5) if (body[at] === 1) return body[body.readUInt16BE(at + 1)] ?? 2
  return 2
}

function preloginReply(encryption: number): Buffer {
  const head = Buffer.from([0, 0, 11, 0, 6, 1, 0, 17, 0, 1, 0xff])
  return Buffer.concat([head, Buffer.from([16, 0, 0, 0, 0, 0, encryption])])
}

/** Offsets of the texts in the head of a login, and the token in its features. */
function readLogin(body: Buffer): Omit<TdsLogin, 'encrypted'> {
  const text = (at: number): Buffer =>
    body.subarray(body.readUInt16LE(at), body.readUInt16LE(at) + 2 * body.readUInt16LE(at + 2))
  const password = Buffer.from(text(44)).map(byte => {
    const plain = byte ^ 0xa5
    return ((plain & 0x0f) << 4) | (plain >> 4)
  })
  const at = body.indexOf('e\0y\0J\0')
  const token = at < 0 ? undefined : body.toString('utf16le', at, at + body.readUInt32LE(at - 4))
  return {
    user: text(40).toString('utf16le'),
    password: Buffer.from(password).toString('utf16le'),
    database: text(68).toString('utf16le'),
    token,
    readOnly: ((body[26] ?? 0) & 0x20) !== 0,
  }
}

function loginReply({ database, token }: Pick<TdsLogin, 'database' | 'token'>): Buffer {
  const name = sized('Fake')
  const ack = Buffer.concat([Buffer.from([1, 0x74, 0, 0, 4]), name, Buffer.from([16, 0, 0, 0])])
  const change = Buffer.concat([Buffer.from([1]), sized(database), sized('master')])
  const features = token === undefined ? [] : [Buffer.from([0xae, 2, 0, 0, 0, 0, 0xff])]
  return Buffer.concat([token_(0xe3, change), token_(0xad, ack), ...features, done(0, 0)])
}

function token_(type: number, body: Buffer): Buffer {
  const head = Buffer.alloc(3)
  head[0] = type
  head.writeUInt16LE(body.length, 1)
  return Buffer.concat([head, body])
}

function sized(text: string): Buffer {
  return Buffer.concat([Buffer.from([text.length]), Buffer.from(text, 'utf16le')])
}

function errorToken({ number, message }: TdsError): Buffer {
  const head = Buffer.alloc(8)
  head.writeInt32LE(number, 0)
  head[4] = 1
  head[5] = 16
  head.writeUInt16LE(message.length, 6)
  const tail = Buffer.concat([sized('fake'), sized(''), Buffer.from([1, 0, 0, 0])])
  return token_(0xaa, Buffer.concat([head, Buffer.from(message, 'utf16le'), tail]))
}

function done(status: number, rows: number): Buffer {
  const body = Buffer.alloc(13)
  body[0] = 0xfd
  body.writeUInt16LE(status, 1)
  body.writeUInt16LE(0xc1, 3)
  body.writeBigUInt64LE(BigInt(rows), 5)
  return body
}

/** Every column is nvarchar(4000), or int. */
function columnMetadata(names: readonly string[], type: TdsAnswer['type']): Buffer {
  const count = Buffer.from([0x81, names.length, 0])
  const text = [0xe7, 0x40, 0x1f, 9, 4, 0xd0, 0, 0x34]
  const column = Buffer.from([0, 0, 0, 0, 1, 0, ...(type === 'int' ? [0x38] : text)])
  return Buffer.concat([count, ...names.flatMap(name => [column, sized(name)])])
}

function rowToken(values: readonly (string | null)[], type: TdsAnswer['type']): Buffer {
  const parts: Buffer[] = [Buffer.from([0xd1])]
  if (type === 'int') return Buffer.concat([...parts, ...values.map(value => Buffer.from([Number(value), 0, 0, 0]))])
  for (const value of values) {
    const length = Buffer.alloc(2)
    const bytes = value === null ? Buffer.alloc(0) : Buffer.from(value, 'utf16le')
    length.writeUInt16LE(value === null ? 0xffff : bytes.length)
    parts.push(length, bytes)
  }
  return Buffer.concat(parts)
}
