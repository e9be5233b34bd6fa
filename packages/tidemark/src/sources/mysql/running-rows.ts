/** A running query whose rows become chunks, as their packets come in, past the driver. */
import type { Connection, QueryError } from 'mysql2'
import type { Sql } from '../../engine/sql.ts'
import { type Line, ReceivedRows } from '../received-rows.ts'
import { PACKET_HEADER, type PacketSink, RowPackets } from './row-packets.ts'

/** Run a query; the rows end with its answer. */
export function runRows(connection: Connection, statement: Sql, chunkBytes: number): ReceivedRows {
  const received = new ReceivedRows(chunkBytes)
  const packets = new RowPackets(sinkOf(received))
  received.takeOver((connection as unknown as { stream: Line }).stream, bytes => packets.take(bytes))
  connection.query({ sql: statement.text }, (error: QueryError | null) =>
    error === null ? received.end() : received.fail(error),
  )
  return received
}

function sinkOf(received: ReceivedRows): PacketSink {
  /** Bytes so far of a row that comes in several packets. */
  let rowBytes = 0
  return {
    get room() {
      return received.room
    },
    rows: (bytes, start, end, found) => received.add(bytes, start, end, found),
    beginPacket: (bytes, isFirst) => {
      rowBytes = isFirst ? bytes : rowBytes + bytes
      if (isFirst) received.begin(bytes, PACKET_HEADER + bytes)
      else received.lengthen(rowBytes, bytes)
    },
    rowBytes: (bytes, start, end) => received.keep(bytes, start, end),
    pass: bytes => received.pass(bytes),
  }
}
