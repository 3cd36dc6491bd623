import ngrok from '@ngrok/ngrok'
import { type HostEvent, serveClientHost } from './host-channel.ts'

export interface NgrokSettings {
  readonly authtoken: string
  /** A bare host name. */
  readonly domain: string | undefined
  /** `host:port` of another edge than ngrok's own. */
  readonly serverAddr: string | undefined
  /** PEM of the authority that edge's certificate comes from. */
  readonly caCert: string | undefined
  readonly target: string
  readonly heartbeatSeconds: number
  /** How long the edge may say nothing after a reconnection, ms. More than two heartbeats. */
  readonly silentMs: number
}

serveClientHost<NgrokSettings>(async (settings, tell) => {
  const session = await connect(settings, tell)
  const endpoint = session.httpEndpoint()
  if (settings.domain !== undefined) endpoint.domain(settings.domain)
  const listener = await endpoint.listenAndForward(settings.target)
  const url = listener.url()
  if (url === null) throw new Error('ngrok gave the endpoint no address')
  tell({ type: 'url', url })
  // The client goes on as if nothing had happened when the edge stops an endpoint.
  const stopped = (error: unknown) => tell({ type: 'lost', detail: wordsOf(error) })
  listener.join().then(() => stopped('the endpoint was stopped'), stopped)
})

/** The client's own tries after 50 ms and 2.5 s have failed; the next would come after two minutes. */
const lastUsefulTry = 3

/** Left alone the client reports neither a lost session nor missed heartbeats, nor acts on them. */
function connect(settings: NgrokSettings, tell: (event: HostEvent) => void) {
  const builder = new ngrok.SessionBuilder()
  let failures = 0
  let beats = 0
  let silence: NodeJS.Timeout | undefined
  builder
    .authtoken(settings.authtoken)
    .clientInfo('sallyport', '0')
    .heartbeatInterval(settings.heartbeatSeconds)
    .heartbeatTolerance(settings.heartbeatSeconds)
    .handleHeartbeat((latency: number | null) => {
      if (latency === null) return tell({ type: 'lost', detail: 'the edge answers no heartbeat' })
      clearTimeout(silence)
      silence = undefined
      // The first comes before the edge has accepted the authtoken again.
      beats += 1
      if (beats > 1) failures = 0
    })
    .handleDisconnection((_address: string, reason: string) => {
      beats = 0
      failures += 1
      if (failures === lastUsefulTry) tell({ type: 'lost', detail: `the edge is gone: ${reason}` })
      // An edge that takes the connection and says nothing holds the client up for ever.
      silence ??= setTimeout(
        () => tell({ type: 'lost', detail: 'the edge does not answer' }),
        settings.silentMs,
      )
      return true
    })
  if (settings.serverAddr !== undefined) builder.serverAddr(settings.serverAddr)
  if (settings.caCert !== undefined) builder.caCert(Buffer.from(settings.caCert))
  return builder.connect()
}

function wordsOf(reason: unknown): string {
  return reason instanceof Error ? reason.message : String(reason)
}
