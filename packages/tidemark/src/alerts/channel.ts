/** The interface of everything that can take an alert to somebody. */
import type { AlertRecord } from './record.ts'

export interface AlertChannel {
  readonly name: string
  /**
   * Hand one alert to its receiver and return the receiver's answer. Every try of a record carries the same id, so a
   * receiver that remembers ids sees it once.
   *
   * @throws {Problem} its `retry` says what may help: `later` is tried again at once, `never` gives the alert up
   */
  send(record: AlertRecord, signal: AbortSignal): Promise<{ detail: string }>
}
