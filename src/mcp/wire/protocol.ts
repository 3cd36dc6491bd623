/** What the revisions of MCP are called on the wire, and which of them there are. */

/** Protocol eras: `legacy` opens with `initialize` (2025 revisions), `modern` is 2026-07-28. */
export type Era = 'legacy' | 'modern'

export const modernRevision = '2026-07-28'
/** Newest first: the first is offered to whoever asks for one that we do not know. */
export const legacyRevisions = ['2025-11-25', '2025-06-18', '2025-03-26', '2024-11-05'] as const
export const revisions = [modernRevision, ...legacyRevisions.slice(0, 3)]

/** Keys of `_meta` that 2026-07-28 reserves. */
export const metaKeys = {
  protocolVersion: 'io.modelcontextprotocol/protocolVersion',
  clientInfo: 'io.modelcontextprotocol/clientInfo',
  clientCapabilities: 'io.modelcontextprotocol/clientCapabilities',
  logLevel: 'io.modelcontextprotocol/logLevel',
  serverInfo: 'io.modelcontextprotocol/serverInfo',
  subscriptionId: 'io.modelcontextprotocol/subscriptionId',
} as const

/** Where a request tells an upstream with `forwardCaller` who called: see {@link Caller}. */
export const callerMetaKey = 'dev.sallyport/caller'

/** What the gateway knows of whoever called. */
export interface Caller {
  profile: string
  /** The origin the request came in through, such as `https://localhost:3443`. */
  origin: string
  protocolVersion: string | undefined
  client: { name: string; version?: string } | undefined
}

/** JSON-RPC error codes we answer with ourselves. Those of servers pass as they are. */
export const rpcCodes = {
  parseError: -32700,
  invalidRequest: -32600,
  methodNotFound: -32601,
  invalidParams: -32602,
  internalError: -32603,
  /** Implementation-defined range of JSON-RPC 2.0; the message says which upstream and why. */
  upstreamUnavailable: -32000,
  sessionNotFound: -32001,
  /** Of 2025 servers; the modern era says invalidParams. */
  resourceNotFound: -32002,
  /** A header repeats something of the body and says otherwise (2026-07-28). */
  headerMismatch: -32020,
  missingClientCapability: -32021,
  unsupportedProtocolVersion: -32022,
} as const

/** The parts of `params` that the `Mcp-Name` header repeats (MCP 2026-07-28, SEP-2243 and SEP-2663). */
const nameFields: ReadonlyMap<string, 'name' | 'uri' | 'taskId'> = new Map([
  ['tools/call', 'name'],
  ['prompts/get', 'name'],
  ['resources/read', 'uri'],
  ['tasks/get', 'taskId'],
  ['tasks/update', 'taskId'],
  ['tasks/cancel', 'taskId'],
] as const)

export const nameFieldOf = (method: string) => nameFields.get(method)

const logLevels: readonly unknown[] = [
  'debug',
  'info',
  'notice',
  'warning',
  'error',
  'critical',
  'alert',
  'emergency',
]

/** Whether a message of `level` passes a threshold. Unknown levels always pass. */
export function passesLogLevel(level: unknown, threshold: string): boolean {
  const rank = logLevels.indexOf(level)
  return rank === -1 || rank >= logLevels.indexOf(threshold)
}

export function isLogLevel(value: unknown): value is string {
  return logLevels.includes(value)
}

/** The most talkative of several levels; undefined when there is none. */
export function lowestLogLevel(levels: Iterable<string>): string | undefined {
  const asked = new Set<unknown>(levels)
  return logLevels.find((level) => asked.has(level)) as string | undefined
}

/** What 2026-07-28 has taken away, whatever a server behind us still answers. */
export const removedMethods: ReadonlySet<string> = new Set([
  'initialize',
  'ping',
  'logging/setLevel',
  'resources/subscribe',
  'resources/unsubscribe',
  'tasks/list',
  'tasks/result',
])
