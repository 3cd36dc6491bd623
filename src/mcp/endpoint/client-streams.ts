import type { ServerResponse } from 'node:http'
import type { Logger } from '../../lib/logger.ts'
import { eventStreamHeaders, formatEvent } from '../wire/event-stream.ts'

/** A quarter of the shortest idle limit of the edges that tunnels lead through (localtunnel's nginx), ms. */
const keepAliveMs = 15_000
/**
 * What may wait for a client that reads slowly, bytes, beside the largest message that does.
 * @internal
 */
export const maxQueuedBytes = 8 * 1024 * 1024

/** A stream of server-sent events to one client. */
export interface ClientStream {
  readonly isOpen: boolean
  send(data: string, options?: { id?: string; event?: string }): void
  /** An event without data, from which the client may go on later (MCP 2025-11-25, Resumability). */
  prime(id: string, retryMs?: number): void
  comment(text: string): void
  end(): void
}

/**
 * Opens the streams to clients: heartbeats for all of them, and a bound on what waits for each. One that
 * is not read is ended, so that a client which sleeps costs its own stream and not everybody's memory.
 */
export function createClientStreams({ logger }: { logger: Logger }) {
  const open = new Set<ClientStream>()
  let heart: NodeJS.Timeout | undefined
  /** What begins the streams of answers that have not begun: since the last beat, and before it. */
  let silent = new Set<() => void>()
  let longSilent = new Set<() => void>()

  function beat(): void {
    for (const begin of longSilent) begin()
    longSilent = silent
    silent = new Set()
    for (const stream of open) stream.comment('keepalive')
    if (open.size > 0 || longSilent.size > 0) return
    clearInterval(heart)
    heart = undefined
  }

  return {
    /**
     * Has the stream of an answer begun when nothing of it was sent for a beat or two, as edges and
     * proxies cut what says nothing.
     */
    whenSilent(outgoing: ServerResponse, begin: () => void): void {
      const onSilence = () => {
        if (!outgoing.headersSent) begin()
      }
      silent.add(onSilence)
      outgoing.once('close', () => silent.delete(onSilence) || longSilent.delete(onSilence))
      heart ??= setInterval(beat, keepAliveMs).unref()
    },
    /** @param onEnd called once, when nothing more can be sent, whoever ended it */
    open(
      outgoing: ServerResponse,
      { headers = {}, onEnd }: { headers?: Record<string, string>; onEnd?: () => void } = {},
    ): ClientStream {
      outgoing.writeHead(200, { ...eventStreamHeaders, ...headers })
      outgoing.flushHeaders()
      let isOpen = true
      /** Of what is waiting; nobody reads a message of megabytes before the next is written. */
      let largest = 0

      function finish(): void {
        if (!isOpen) return
        isOpen = false
        open.delete(stream)
        onEnd?.()
      }

      function write(frame: string): void {
        if (!isOpen) return
        if (outgoing.writableLength > maxQueuedBytes + largest) {
          logger.warn('ended a stream: its client does not read', {
            waitingBytes: outgoing.writableLength,
          })
          finish()
          outgoing.destroy()
          return
        }
        const before = outgoing.writableLength === 0 ? 0 : largest
        largest = Math.max(before, Buffer.byteLength(frame))
        outgoing.write(frame)
      }

      const stream: ClientStream = {
        get isOpen() {
          return isOpen
        },
        send: (data, options) => write(formatEvent(data, options)),
        prime: (id, retryMs) =>
          write(`id: ${id}\n${retryMs === undefined ? '' : `retry: ${retryMs}\n`}data: \n\n`),
        comment: (text) => write(`: ${text}\n\n`),
        end() {
          if (!isOpen) return
          finish()
          outgoing.end()
        },
      }
      outgoing.once('close', finish)
      heart ??= setInterval(beat, keepAliveMs).unref()
      open.add(stream)
      return stream
    },
    close(): void {
      for (const stream of [...open]) stream.end()
      clearInterval(heart)
    },
  }
}

export type ClientStreams = ReturnType<typeof createClientStreams>
