import type { IncomingHttpHeaders } from 'node:http'
import { StringDecoder } from 'node:string_decoder'
import { createParser } from 'eventsource-parser'
import type { Dispatcher } from 'undici'
import { failedAnswerLimits } from '../upstreams/failed-answer.ts'

/** A whole answer that is no event stream. */
export interface Received {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
}

/** Exactly one of `onAnswer`, `onStreamEnd` and `onError` is called, last. */
export interface ExchangeListener {
  onAnswer(received: Received): void
  /** The data of one event of a stream that was answered with 200. */
  onEvent(data: string): void
  onStreamEnd(): void
  onError(error: Error): void
}

export interface Exchange {
  /** Ends it at once: the upstream sees its connection close. */
  abort(reason: Error): void
}

/** POSTs a body in one `undici` dispatch, without web streams; events arrive as they come. */
export function openExchange(
  dispatcher: Dispatcher,
  post: { url: URL; headers: Record<string, string>; body: string },
  listener: ExchangeListener,
): Exchange {
  const { url, headers, body } = post
  const path = url.pathname + url.search
  let controller: Dispatcher.DispatchController | undefined
  let aborted: Error | undefined
  let status = 0
  let answerHeaders: IncomingHttpHeaders = {}
  let events: ReturnType<typeof createEventReader> | undefined
  const chunks: Buffer[] = []
  let size = 0
  let isAnswered = false
  let deadline: NodeJS.Timeout | undefined

  function answer(): void {
    if (isAnswered) return
    isAnswered = true
    clearTimeout(deadline)
    const body = chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks)
    listener.onAnswer({ status, headers: answerHeaders, body })
  }

  /** What a server in trouble goes on to say is not waited for. */
  function cutOff(): void {
    answer()
    controller?.abort(new Error('the rest of the answer is not read'))
  }

  dispatcher.dispatch(
    { origin: url.origin, path, method: 'POST', headers, body },
    {
      onRequestStart(opened) {
        controller = opened
        if (aborted) opened.abort(aborted)
      },
      onResponseStart(_controller, statusCode, received) {
        status = statusCode
        answerHeaders = received
        const isStream = status === 200 && mediaType(received) === 'text/event-stream'
        events = isStream ? createEventReader(listener.onEvent) : undefined
        if (status >= 400) deadline = setTimeout(cutOff, failedAnswerLimits.maxMs)
      },
      onResponseData(_controller, chunk) {
        if (events) return events.write(chunk)
        chunks.push(chunk)
        size += chunk.length
        if (status >= 400 && size > failedAnswerLimits.maxBytes) cutOff()
      },
      onResponseEnd() {
        if (events) listener.onStreamEnd()
        else answer()
      },
      onResponseError(_controller, error) {
        clearTimeout(deadline)
        if (!isAnswered) listener.onError(error)
      },
    },
  )

  return {
    abort(reason) {
      aborted = reason
      controller?.abort(reason)
    },
  }
}

/** The media type of an answer, without parameters. */
export function mediaType(headers: IncomingHttpHeaders): string | undefined {
  const header = headers['content-type']
  return header === 'application/json' ? header : header?.split(';')[0]?.trim().toLowerCase()
}

function createEventReader(onEvent: (data: string) => void) {
  const decoder = new StringDecoder('utf8')
  const parser = createParser({
    onEvent({ event, data }) {
      if (data !== '' && (event === undefined || event === 'message')) onEvent(data)
    },
  })
  return { write: (chunk: Buffer) => parser.feed(decoder.write(chunk)) }
}
