/** Which addresses a table list is fetched from: names and redirects are judged by the address that a socket would use. */
import { Agent, createServer, type RequestListener } from 'node:http'
import { type AddressInfo, isIP, Socket, type TcpNetConnectOpts } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { type Fetched, fetchOver, type Network } from './fetch-list.ts'

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener)
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

const PUBLIC = '93.184.215.14'

/**
 * A network in which names have these addresses, one list for each look-up, and every permitted socket leads to `base`.
 * `reached` are the addresses that would have been connected to.
 */
function networkOf(base: string, names: Record<string, string[][]>): Network & { reached: string[] } {
  const reached: string[] = []
  const resolve: Network['resolve'] = (hostname, _, callback) => {
    const answers = names[hostname] ?? []
    const found = (answers.length > 1 ? answers.shift() : answers[0]) ?? []
    callback(
      null,
      found.map(address => ({ address, family: isIP(address) })),
    )
  }
  class ToBase extends Agent {
    override createConnection({ host = '', lookup }: TcpNetConnectOpts): Socket {
      const socket = new Socket()
      const connect = (address: string): void => {
        reached.push(address)
        socket.connect(Number(new URL(base).port), '127.0.0.1')
      }
      if (isIP(host) > 0 || lookup === undefined) connect(host)
      else
        lookup(host, { all: true }, (error, found) => {
          const [first] = typeof found === 'string' ? [{ address: found }] : found
          if (error === null && first !== undefined) connect(first.address)
          else socket.destroy(error ?? new Error('no address'))
        })
      return socket
    }
  }
  return { reached, resolve, agent: new ToBase() }
}
const redirecting = (location: string): Promise<string> =>
  serve((request, response) => {
    if (request.url === '/list') response.writeHead(302, { location }).end()
    else response.end('[]')
  })
const fetchFrom = (network: Network, url = 'http://lists.example/list'): Promise<Fetched> =>
  fetchOver(network, { url, headers: {}, allowPrivate: false, etag: undefined, signal: new AbortController().signal })

test('a redirect to another public server is followed', async () => {
  const network = networkOf(await redirecting('http://other.example/'), {
    'lists.example': [[PUBLIC]],
    'other.example': [['1.1.1.1']],
  })
  expect(await fetchFrom(network)).toMatchObject({ kind: 'text', text: '[]' })
  expect(network.reached).toEqual([PUBLIC, '1.1.1.1'])
})

test.each([
  'http://169.254.169.254/latest/meta-data',
  'http://[::ffff:169.254.169.254]/latest/meta-data',
  'http://0x7f.1/',
  'http://inside.example/',
  'http://lists.example/second',
  'http://half.example/',
])('a redirect to %s is refused before anything is connected to', async location => {
  const network = networkOf(await redirecting(location), {
    // The second look-up of the same name finds another address.
    'lists.example': [[PUBLIC], ['10.0.0.7']],
    'inside.example': [['192.168.7.7']],
    'half.example': [[PUBLIC, 'fd00::7']],
  })
  await expect(fetchFrom(network)).rejects.toMatchObject({
    code: 'LIST_ADDRESS_REFUSED',
    hint: expect.stringContaining('allow_private') as unknown,
  })
  expect(network.reached).toEqual([PUBLIC])
})

test('a name with a private address is refused, whatever it is a moment later', async () => {
  const network = networkOf(await redirecting('/'), { 'lists.example': [['127.0.0.1'], [PUBLIC]] })
  await expect(fetchFrom(network)).rejects.toMatchObject({ code: 'LIST_ADDRESS_REFUSED' })
  expect(network.reached).toEqual([])
})
