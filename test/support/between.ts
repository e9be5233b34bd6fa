/** A server that stands before a real one and changes what that says. */
import { once } from 'node:events'
import { type AddressInfo, connect, createServer } from 'node:net'
import { onTestFinished } from 'vitest'

/** Gives its port; it goes when the test ends. */
export async function standBetween(
  { host, port }: { host: string; port: number },
  change: (bytes: Buffer) => Buffer,
): Promise<number> {
  const server = createServer(client => {
    const real = connect(port, host)
    client.pipe(real).on('error', () => client.destroy())
    client.on('error', () => real.destroy())
    real.on('data', bytes => client.write(change(bytes)))
    real.on('close', () => client.end())
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  onTestFinished(() => void server.close())
  return (server.address() as AddressInfo).port
}
