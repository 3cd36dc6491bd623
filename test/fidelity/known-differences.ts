import type { Difference } from './compare.ts'

/** One line of docs/fidelity.md, and which differences it is about. */
export interface KnownDifference {
  /** As it stands there, without the reason. */
  readonly line: string
  explains(difference: Difference): boolean
}

const at = (path: RegExp) => (difference: Difference) => path.test(difference.path)
const of = (exchange: RegExp) => (difference: Difference) => exchange.test(difference.exchange)
const all =
  (...checks: KnownDifference['explains'][]) =>
  (difference: Difference) =>
    checks.every((check) => check(difference))
const bridged = ({ isBridged }: Difference) => isBridged
/** One connection for everybody: stdio, and whoever has no session. */
const shared = ({ server, client }: Difference) =>
  server.endsWith('stdio') || (client === 'modern' && server.startsWith('legacy'))

/** The closed list of what differs from a direct connection, in the order of docs/fidelity.md. */
export const knownDifferences: readonly KnownDifference[] = [
  {
    line: '`listChanged` is announced for `tools`, `resources` and `prompts`',
    explains: at(/^answer\.result\.capabilities\.\w+\.listChanged$/),
  },
  {
    line: 'A server sees ids and progress tokens of the gateway’s',
    explains: (one) =>
      /_meta\.progressToken$/.test(one.path) ||
      (one.exchange.includes('test_tool_with_progress') && /content\.0\.text$/.test(one.path)),
  },
  {
    line: 'A message has no other members than JSON-RPC 2.0 gives it',
    explains: at(/^notifications\/example\/order\.x-envelope$/),
  },
  {
    line: 'What is no JSON-RPC message is not passed on',
    explains: (one) => one.exchange === 'tools/call broken' || one.path === 'malformed',
  },
  {
    line: 'A request that does not name what it is about is refused with -32602',
    explains: all(
      of(/^(tools\/call without a name|completion\/complete|logging\/setLevel)$/),
      at(/^answer\.(error|result)/),
    ),
  },
  {
    line: '`initialize` in an open session is refused with -32600',
    explains: all(of(/^initialize again$/), at(/^answer\./)),
  },
  {
    line: '`ping`, `resources/subscribe`, `resources/unsubscribe` and `logging/setLevel` are answered with `{}`',
    explains: at(/^answer\.result\.seen\.?/),
  },
  {
    line: 'A server over a shared connection hears one client',
    explains: all(
      shared,
      (one) =>
        (/who$/.test(one.exchange) && /\(json\)\.(clientInfo|capabilities)/.test(one.path)) ||
        (/ (log|chatter)$/.test(one.exchange) &&
          /notifications\/message|content\.0\.text/.test(one.path)),
    ),
  },
  {
    line: 'A task that was made over a shared connection is known to whoever had it made',
    explains: all(
      (one) => shared(one) || one.client === 'modern' || one.isBridged,
      of(/^tasks\/get$/),
      at(/^answer\.(error|result)$/),
    ),
  },
  {
    line: 'A server never seen before is announced with everything there is',
    explains: all(of(/^a server that does not start$/), at(/^answer/)),
  },
  {
    line: 'A server over HTTP that speaks both eras is announced to either with what it says of itself in the newer',
    explains: all(
      ({ server, client }) => /^(conformance|fastmcp)-http$/.test(server) && client === 'legacy',
      at(/^answer\.result\.capabilities\.extensions$/),
    ),
  },
  {
    line: 'Each side agrees on a revision of its own',
    explains: (one) => !one.isBridged && /^answer\.result\.protocolVersion$/.test(one.path),
  },
  {
    line: 'An answer over HTTP comes as JSON where nothing goes before it',
    explains: at(/^http\.http\.type$/),
  },
  {
    line: '`Accept: */*` and `application/json` alone are enough',
    explains: of(/^HTTP: (any answer is fine|JSON alone)$/),
  },
  {
    line: 'HTTP refuses in the gateway’s words and codes',
    explains: (one) =>
      /^http\.http\.message\.(error|id)/.test(one.path) ||
      /^HTTP: (GET|DELETE|a batch of none|another media type|no kind of answer is fine)$/.test(
        one.exchange,
      ),
  },
  {
    line: 'Between eras, results and handshakes are written as the client’s revision has them',
    explains: all(
      bridged,
      at(
        /^answer\.result\.(resultType|ttlMs|cacheScope|_meta|protocolVersion|supportedVersions|serverInfo)$|serverInfo$/,
      ),
    ),
  },
  {
    line: 'Between eras, `tasks` are not announced',
    explains: all(bridged, at(/^answer\.result\.capabilities\.tasks$/)),
  },
  {
    line: 'Between eras, what a server asks becomes `input_required`, and the other way round',
    explains: all(
      bridged,
      of(/ask_|test_elicitation|test_sampling/),
      at(/^(questions|elicitation\/create|sampling\/createMessage|roots\/list|example\/question)$/),
    ),
  },
  {
    line: 'Between eras, a question that is refused ends its call',
    explains: all(bridged, of(/ask_unheard$/), at(/^answer\./)),
  },
  {
    line: 'Between eras, resources and lists are followed in the words of the client’s revision',
    explains: all(
      bridged,
      of(/^changes that are followed$/),
      at(
        /^answer|^notifications\/subscriptions\/acknowledged$|\._meta(\.io\.modelcontextprotocol\/subscriptionId)?$/,
      ),
    ),
  },
  {
    line: 'Between eras, the log level is the client’s last, or `info`',
    explains: all(
      bridged,
      (one) =>
        /io\.modelcontextprotocol\/logLevel$/.test(one.path) ||
        (/log|chatter/.test(one.exchange) && /^notifications\/message/.test(one.path)),
    ),
  },
]
