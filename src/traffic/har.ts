import type { CallEntry, TrafficEntry } from './entry.ts'
import type { KeptBody } from './redact-body.ts'

/**
 * The calls among entries as HAR 1.2, which the network panels of browsers open. A call is shown as the
 * POST that carried it; what HTTP does not know stands in fields that begin with `_`.
 * @param urlOf the address of a profile
 */
export function harOf(
  entries: readonly TrafficEntry[],
  { version, urlOf }: { version: string; urlOf: (profile: string) => string },
) {
  const calls = entries.filter((entry): entry is CallEntry => entry.kind === 'call')
  return {
    log: {
      version: '1.2',
      creator: { name: 'sallyport', version },
      pages: [],
      entries: calls.map((call) => entryOf(call, urlOf(call.profile))),
    },
  }
}

const jsonHeader = { name: 'content-type', value: 'application/json' }

function entryOf(call: CallEntry, url: string) {
  const { tookMs, serverMs, request, answer } = call
  return {
    startedDateTime: new Date(call.at).toISOString(),
    time: round(tookMs),
    request: {
      method: 'POST',
      url,
      httpVersion: 'HTTP/1.1',
      cookies: [],
      headers: [jsonHeader],
      queryString: [],
      postData: { mimeType: 'application/json', text: request.text, ...cutNote(request) },
      headersSize: -1,
      bodySize: request.bytes,
    },
    response: {
      status: answer ? 200 : 0,
      statusText: answer ? 'OK' : '',
      httpVersion: 'HTTP/1.1',
      cookies: [],
      headers: answer ? [jsonHeader] : [],
      content: {
        size: answer?.bytes ?? 0,
        mimeType: 'application/json',
        text: answer?.text ?? '',
        ...(answer && cutNote(answer)),
      },
      redirectURL: '',
      headersSize: -1,
      bodySize: answer?.bytes ?? -1,
    },
    cache: {},
    // The server's share is what a panel shows as waiting; the gateway's own stands beside it.
    timings: { send: 0, wait: round(serverMs), receive: round(tookMs - serverMs) },
    comment: [call.method, call.name].filter(Boolean).join(' '),
    _outcome: call.outcome,
    _profile: call.profile,
    _client: call.client,
    ...(call.server !== undefined && { _server: call.server }),
    ...(call.session !== undefined && { _session: call.session }),
    ...(call.problem !== undefined && { _problem: call.problem }),
    ...(call.asides.length > 0 && { _messages: call.asides }),
  }
}

function cutNote({ isCut, text, bytes }: KeptBody): { comment?: string } {
  return isCut ? { comment: `the first ${text.length} characters of ${bytes} bytes` } : {}
}

function round(ms: number): number {
  return Math.max(0, Math.round(ms * 1000) / 1000)
}
