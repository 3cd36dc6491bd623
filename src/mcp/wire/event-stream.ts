import { StringDecoder } from 'node:string_decoder'
import { createParser } from 'eventsource-parser'
import { maxMessageLength } from './message.ts'

/** An event of a stream of server-sent events (WHATWG HTML 9.2). */
export interface StreamEvent {
  readonly id: string | undefined
  readonly event: string | undefined
  readonly data: string
}

/** Cuts the chunks of an event stream into events, as they come. */
export function createEventReader(listener: {
  onEvent(event: StreamEvent): void
  /** How long to wait before the stream is opened again, ms. */
  onRetry?(ms: number): void
  /** An event grew beyond any message; nothing more is read. */
  onTooLarge?(): void
}): (chunk: Buffer) => void {
  const decoder = new StringDecoder('utf8')
  let isOver = false
  const parser = createParser({
    onEvent: ({ id, event, data }) => listener.onEvent({ id, event, data }),
    onRetry: (ms) => listener.onRetry?.(ms),
    onError(error) {
      if (error.type !== 'max-buffer-size-exceeded') return
      isOver = true
      listener.onTooLarge?.()
    },
    maxBufferSize: maxMessageLength,
  })
  return (chunk) => {
    if (!isOver) parser.feed(decoder.write(chunk))
  }
}

export const eventStreamHeaders = {
  'content-type': 'text/event-stream',
  'cache-control': 'no-cache, no-transform',
  connection: 'keep-alive',
  // nginx and its like would hold events back.
  'x-accel-buffering': 'no',
} as const

/** One event as bytes on the wire. Line ends in `data` become lines of it; JSON has none in strings. */
export function formatEvent(data: string, options: { id?: string; event?: string } = {}): string {
  const { id, event = 'message' } = options
  const lines = data.includes('\n') || data.includes('\r') ? data.split(/\r\n|\r|\n/) : undefined
  const body = lines ? lines.map((line) => `data: ${line}\n`).join('') : `data: ${data}\n`
  return `${id === undefined ? '' : `id: ${id}\n`}event: ${event}\n${body}\n`
}
