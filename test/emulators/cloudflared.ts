/**
 * A stand-in for the cloudflared program: its flags, its log lines, its metrics endpoint and its
 * exit codes, as version 2026.7.2 has them, and real traffic over HTTP/2 to the edge it is given.
 */
import { readFileSync } from 'node:fs'
import { createServer, request as requestHttp } from 'node:http'
import { performServerHandshake, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { pipeline } from 'node:stream'
import { connect } from 'node:tls'
import { parseArgs } from 'node:util'
import { type Registration, registerTunnel } from './tunnel-registration.ts'

const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    version: { type: 'boolean' },
    config: { type: 'string' },
    url: { type: 'string' },
    metrics: { type: 'string', default: '127.0.0.1:0' },
    protocol: { type: 'string', default: 'quic' },
    'grace-period': { type: 'string', default: '30s' },
    'quick-service': { type: 'string', default: 'https://api.trycloudflare.com' },
    edge: { type: 'string', default: '127.0.0.1:1' },
    'edge-ip-version': { type: 'string' },
    cacert: { type: 'string' },
    'no-autoupdate': { type: 'boolean' },
    'no-prechecks': { type: 'boolean' },
  },
})
const state = { connections: 0, hostname: '', url: flags.url ?? '' }

if (flags.version) {
  console.log('cloudflared version 2026.7.2 (built 2026-07-15-13:29 UTC)')
} else {
  await run()
}

async function run(): Promise<void> {
  process.on('SIGTERM', leave)
  process.on('SIGINT', leave)
  const registration = positionals.includes('run') ? namedTunnel() : await quickTunnel()
  // Rules of a configuration file win over the flags.
  if (hasForeignRules()) state.url = ''
  serveMetrics()
  if (flags.protocol === 'quic') return failToDialQuic()
  for (let pause = 1_000; ; pause = Math.min(pause * 2, 16_000)) {
    const outcome = await serveEdge(registration)
    if (outcome === 'served') pause = 1_000
    say('INF', `Retrying connection in up to ${pause / 1_000}s connIndex=0 event=0 ip=127.0.0.1`)
    await new Promise((resolve) => setTimeout(resolve, pause))
  }
}

function namedTunnel(): Registration {
  const token = process.env.TUNNEL_TOKEN
  const name = positionals.at(-1)
  if (token === undefined && name === 'run') {
    die(
      255,
      '"cloudflared tunnel run" requires the ID or name of the tunnel to run as the last command line argument or in the configuration file.',
    )
  }
  const credentials = token === undefined ? readCredentials(name ?? '') : readToken(token)
  if (!credentials) die(255, 'Provided Tunnel token is not valid.')
  return credentials
}

function readToken(token: string): Registration | undefined {
  try {
    const { a, t, s } = JSON.parse(Buffer.from(token, 'base64').toString())
    return { accountTag: a, secret: s, tunnelId: t.replaceAll('-', '') }
  } catch {
    // Not what a token looks like, which the caller reports.
    return undefined
  }
}

function readCredentials(name: string): Registration {
  const file = join(homedir(), '.cloudflared', `${name}.json`)
  try {
    const { AccountTag, TunnelSecret, TunnelID } = JSON.parse(readFileSync(file, 'utf8'))
    return { accountTag: AccountTag, secret: TunnelSecret, tunnelId: TunnelID.replaceAll('-', '') }
  } catch {
    die(
      1,
      'Cannot determine default origin certificate path. No file cert.pem in [~/.cloudflared]. You need to specify the origin certificate path by specifying the origincert option in the configuration file, or set TUNNEL_ORIGIN_CERT environment variable',
    )
  }
}

async function quickTunnel(): Promise<Registration> {
  say('INF', 'Requesting new quick Tunnel on trycloudflare.com...')
  const service = `${flags['quick-service']}/tunnel`
  const response = await fetch(service, { method: 'POST' }).catch((error: Error) =>
    die(
      1,
      `failed to request quick Tunnel: Post "${service}": dial tcp: ${String(error.cause)}: connection refused`,
    ),
  )
  const body = await response.text()
  try {
    const { result } = JSON.parse(body)
    state.hostname = result.hostname
    say(
      'INF',
      'Your quick Tunnel has been created! Visit it at (it may take some time to be reachable):',
    )
    say('INF', `|  https://${result.hostname}  |`)
    const tunnelId = result.id.replaceAll('-', '')
    return { accountTag: result.account_tag, secret: result.secret, tunnelId }
  } catch {
    const words = `invalid character '${body[0]}' looking for beginning of value`
    const status = `${response.status} ${response.statusText}`
    say(
      'ERR',
      `Error unmarshaling QuickTunnel response: ${body} error="${words}" status_code="${status}"`,
    )
    die(1, `failed to unmarshal quick Tunnel: ${words}`)
  }
}

/** Whether a configuration file that nobody named decides where requests go. */
function hasForeignRules(): boolean {
  const file = flags.config ?? join(homedir(), '.cloudflared', 'config.yml')
  try {
    return readFileSync(file, 'utf8').includes('http_status:404')
  } catch {
    // No such file, no rules.
    return false
  }
}

function serveMetrics(): void {
  const documents: Record<string, () => { status: number; body: unknown }> = {
    '/ready': () => {
      const status = state.connections > 0 ? 200 : 503
      return { status, body: { status, readyConnections: state.connections } }
    },
    '/quicktunnel': () => ({ status: 200, body: { hostname: state.hostname } }),
  }
  const server = createServer((request, response) => {
    const document = documents[request.url ?? '']?.() ?? { status: 404, body: {} }
    response.writeHead(document.status).end(JSON.stringify(document.body))
  })
  const [host, port] = flags.metrics.split(':')
  server.listen(Number(port), host, () =>
    say('INF', `Starting metrics server on ${flags.metrics}/metrics`),
  )
}

function failToDialQuic(): void {
  const fail = () =>
    say(
      'ERR',
      'Failed to dial a quic connection error="failed to dial to edge with quic: timeout: no recent network activity" connIndex=0 event=0 ip=127.0.0.1',
    )
  fail()
  setInterval(fail, 5_000)
}

/** Connects to the edge and serves it until the connection ends. */
function serveEdge(registration: Registration): Promise<'served' | 'refused'> {
  const [host, port] = flags.edge.split(':')
  return new Promise((resolve) => {
    let outcome: 'served' | 'refused' = 'refused'
    const ca = flags.cacert === undefined ? undefined : readFileSync(flags.cacert)
    const servername = 'h2.cftunnel.com'
    const socket = connect({ host, port: Number(port), servername, ...(ca && { ca }) })
    socket.on('error', (error) =>
      say(
        'ERR',
        `Unable to establish connection with Cloudflare edge error="${error.message}" connIndex=0`,
      ),
    )
    socket.once('close', () => {
      if (outcome === 'served')
        say('ERR', 'Connection terminated error="connection with edge closed" connIndex=0')
      state.connections = 0
      resolve(outcome)
    })
    socket.once('secureConnect', () => {
      const session = performServerHandshake(socket)
      session.on('error', () => socket.destroy())
      session.on('stream', (stream, headers) => {
        stream.on('error', () => {})
        const upgrade = headers['cf-cloudflared-proxy-connection-upgrade']
        if (upgrade === undefined) return proxy(stream, headers)
        void register(stream, { session, registration, registered: () => (outcome = 'served') })
      })
    })
  })
}

async function register(
  stream: ServerHttp2Stream,
  by: { session: ServerHttp2Session; registration: Registration; registered: () => void },
): Promise<void> {
  stream.respond({ ':status': 200 })
  const answer = await registerTunnel(stream, by.registration).catch(() => undefined)
  if (!answer) return
  if (!answer.ok) {
    say(
      'ERR',
      `Register tunnel error from server side error="${answer.error}" connIndex=0 event=0 ip=127.0.0.1`,
    )
    return
  }
  by.registered()
  state.connections = 1
  say(
    'INF',
    'Registered tunnel connection connIndex=0 connection=0b23e9f8-43a0-4c05-890f-ff962bb8b74c event=0 ip=127.0.0.1 location=loop01 protocol=http2',
  )
}

function proxy(stream: ServerHttp2Stream, headers: Record<string, unknown>): void {
  const answerError = (status: number): void => {
    if (stream.headersSent || stream.closed) {
      stream.destroy()
      return
    }
    stream.respond({ ':status': status, 'cf-cloudflared-response-meta': '{"src":"cloudflared"}' })
    stream.end()
  }
  if (state.url === '') {
    answerError(404)
    return
  }
  const onward = requestHttp(new URL(String(headers[':path']), state.url), {
    method: String(headers[':method']),
    headers: { ...plainHeaders(headers), host: String(headers[':authority']) },
    agent: false,
  })
  onward.on('response', (answer) => {
    const pairs = answer.rawHeaders.map((part) => Buffer.from(part).toString('base64'))
    const packed = pairs.flatMap((part, index) =>
      index % 2 === 0 ? [`${part}:${pairs[index + 1]}`] : [],
    )
    stream.respond({
      ':status': answer.statusCode ?? 502,
      'cf-cloudflared-response-headers': packed.join(';'),
      'cf-cloudflared-response-meta': '{"src":"origin"}',
    })
    pipeline(answer, stream, () => {})
  })
  onward.on('error', () => answerError(502))
  stream.once('close', () => onward.destroy())
  pipeline(stream, onward, () => {})
}

function plainHeaders(headers: Record<string, unknown>): Record<string, string> {
  const entries = Object.entries(headers).filter(([name]) => !name.startsWith(':'))
  return Object.fromEntries(entries.map(([name, value]) => [name, String(value)]))
}

function say(level: string, words: string): void {
  process.stderr.write(`${new Date().toISOString().replace(/\.\d+/, '')} ${level} ${words}\n`)
}

function die(code: number, words: string): never {
  process.stderr.write(`${words}\n`)
  process.exit(code)
}

function leave(): void {
  say('INF', 'Initiating graceful shutdown due to signal terminated ...')
  say('INF', 'Tunnel server stopped')
  say('INF', 'Metrics server stopped')
  process.exit(0)
}
