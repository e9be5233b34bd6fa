import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { ReceivingSocket } from './receiving-socket.ts'

/** A socket of which every byte that comes is sent back. */
async function connectedEcho(): Promise<ReceivingSocket> {
  const server = createServer(peer => peer.pipe(peer))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const socket = new ReceivingSocket()
  onTestFinished(() => {
    socket.destroy()
    server.close()
  })
  socket.connect((server.address() as AddressInfo).port, '127.0.0.1')
  await once(socket, 'connect')
  return socket
}

async function echoed(socket: ReceivingSocket, text: string): Promise<Buffer> {
  const coming = once(socket, 'data')
  socket.write(text)
  return ((await coming) as [Buffer])[0]
}

test('what came stays as it is, but for what comes while memory is lent', async () => {
  const socket = await connectedEcho()
  const kept = [await echoed(socket, 'one'), await echoed(socket, 'two')]
  socket.lend()
  // The memory of a read is chosen when the one before has been received.
  const last = await echoed(socket, 'end')
  const lent = [await echoed(socket, 'red'), await echoed(socket, 'sea')]
  expect(lent[0]?.buffer).toBe(lent[1]?.buffer)
  expect(lent.map(String)).toEqual(['sea', 'sea'])
  socket.keep()
  await echoed(socket, 'sky')
  const again = [await echoed(socket, 'six'), await echoed(socket, 'ten')]
  expect([...kept, last, ...again].map(String)).toEqual(['one', 'two', 'end', 'six', 'ten'])
})

test('it can be paused, and ends as any socket does', async () => {
  const socket = await connectedEcho()
  socket.lend()
  const received: string[] = []
  socket.on('data', (bytes: Buffer) => {
    received.push(String(bytes))
    socket.pause()
  })
  socket.write('first')
  await expect.poll(() => received).toEqual(['first'])
  const ended = once(socket, 'end')
  socket.end('second')
  expect(received).toEqual(['first'])
  socket.resume()
  await expect.poll(() => received).toEqual(['first', 'second'])
  socket.resume()
  await ended
})
