/**
 * A socket that can receive into the same memory again and again. Otherwise each read takes 64 KB that wait for the garbage
 * collector: for a big table thousands of times, and each time it looks through all that the process holds.
 */
import { Socket } from 'node:net'

const READ_BYTES = 64 * 1024
/** More at once while rows come: fewer calls of the system. */
const LENT_BYTES = 256 * 1024

export class ReceivingSocket extends Socket {
  readonly #lending: { memory: Buffer | undefined }

  constructor() {
    const lending: { memory: Buffer | undefined } = { memory: undefined }
    let receive = (_bytes: Uint8Array): void => undefined
    super({
      onread: {
        // Asked for the memory of the next read when the last was received.
        buffer: () => lending.memory ?? Buffer.allocUnsafeSlow(READ_BYTES),
        callback: (length, bytes) => {
          receive(bytes.subarray(0, length))
          return true
        },
      },
    })
    receive = bytes => this.emit('data', bytes)
    this.#lending = lending
  }

  /** From the next read on each `data` is of use during its event alone, until `keep` is called. */
  lend(): void {
    this.#lending.memory ??= Buffer.allocUnsafeSlow(LENT_BYTES)
  }

  /** From the next read on each `data` belongs to whoever gets it. */
  keep(): void {
    this.#lending.memory = undefined
  }
}
