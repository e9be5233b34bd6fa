/**
 * One Spark for a whole test run, behind a port on loopback that only knows this run's token. Tests reach it through
 * spark.ts; until one of them has a statement, nothing but the port exists.
 */
import { randomBytes, timingSafeEqual } from 'node:crypto'
import { createServer, type Server, type Socket } from 'node:net'
import { createInterface } from 'node:readline'
import type { TestProject } from 'vitest/node'
import { sparkProcess } from './spark-process.ts'

declare module 'vitest' {
  export interface ProvidedContext {
    spark: { port: number; token: string }
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const token = randomBytes(32).toString('hex')
  const waiting = new Map<string, Socket>()
  const spark = sparkProcess({
    answer: (id, line) => {
      waiting.get(id)?.write(`${line}\n`)
      waiting.delete(id)
    },
    end: why => {
      for (const [id, socket] of waiting) socket.write(`${JSON.stringify({ id, ended: why })}\n`)
      waiting.clear()
    },
  })
  let connections = 0
  const sockets = new Set<Socket>()
  const server = createServer(socket => {
    const session = String((connections += 1))
    sockets.add(socket)
    socket.on('error', () => socket.destroy()).on('close', () => sockets.delete(socket))
    let isTrusted = false
    createInterface({ input: socket }).on('line', line => {
      if (!isTrusted) {
        isTrusted = isEqual(line, token)
        if (!isTrusted) socket.destroy()
        return
      }
      const { id, sql } = JSON.parse(line) as { id: string; sql: string }
      waiting.set(id, socket)
      spark.send({ id, session, sql })
    })
  })
  project.provide('spark', { port: await listen(server), token })
  return async () => {
    for (const socket of sockets) socket.destroy()
    server.close()
    await spark.stop()
  }
}

function isEqual(a: string, b: string): boolean {
  return a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b))
}

function listen(server: Server): Promise<number> {
  return new Promise((resolve, reject) => {
    server.on('error', reject).listen(0, '127.0.0.1', () => {
      const address = server.address()
      if (address === null || typeof address === 'string') reject(new Error('no port'))
      else resolve(address.port)
    })
  })
}
