/**
 * The channels of a project, ready to send. In a development target every channel prints instead; a channel that
 * cannot be opened, for want of its secret say, fails by itself when an alert is sent and leaves the others alone.
 */
import type { Clock } from '../model/ports.ts'
import type { AlertChannelConfig, AlertConfig, TextOrSecret } from '../model/project.ts'
import type { AlertChannel } from './channel.ts'
import { createEmailChannel } from './email.ts'
import { alertText } from './message.ts'
import { createWebhookChannel } from './webhook.ts'

export interface ChannelPorts {
  mode: 'development' | 'production'
  clock: Clock
  /** The value behind a reference. @throws {Problem} when there is none */
  reveal: (value: TextOrSecret) => string
  /** Where development targets show alerts; gets whole lines without the last newline. */
  print: (text: string) => void
}

/** One channel for each configured one, in the same order. Nothing is connected before an alert is sent. */
export function openChannels(config: AlertConfig, ports: ChannelPorts): AlertChannel[] {
  return config.channels.map(channel =>
    ports.mode === 'development' ? createPrintingChannel(channel.name, ports.print) : openLater(channel, ports),
  )
}

/** A channel that shows alerts to the person at the terminal and counts them as sent. */
export function createPrintingChannel(name: string, print: (text: string) => void): AlertChannel {
  return {
    name,
    send(record) {
      const receiver = record.receiver === null ? name : `${name} (${record.receiver})`
      const lines = alertText(record).trimEnd().split('\n')
      print(
        [`alert to ${receiver}, printed because this is a development target:`, ...lines.map(line => `  ${line}`)].join(
          '\n',
        ),
      )
      return Promise.resolve({ detail: 'printed' })
    },
  }
}

function openLater(config: AlertChannelConfig, ports: ChannelPorts): AlertChannel {
  return {
    name: config.name,
    send: async (record, signal) => await open(config, ports).send(record, signal),
  }
}

function open(config: AlertChannelConfig, { clock, reveal }: ChannelPorts): AlertChannel {
  const { name } = config
  switch (config.kind) {
    case 'webhook':
      return createWebhookChannel({
        name,
        url: reveal(config.url),
        allowPrivate: config.allowPrivate,
        clock,
        ...(config.sign === undefined ? {} : { signingSecret: reveal(config.sign) }),
      })
    case 'email':
      return createEmailChannel({ name, from: config.from, to: config.to, smtpUrl: reveal(config.smtp) })
  }
}
