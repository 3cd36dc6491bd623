import { UserError } from '../errors.ts'
import type { TunnelFailure } from './tunnel-provider.ts'

interface KnownFailure extends TunnelFailure {
  /** Any of these in the words of the client, or of the edge, means this failure. */
  readonly signs: readonly (string | RegExp)[]
}

/** What to do without an authtoken of ngrok. */
export const whereToken =
  'Copy the authtoken from https://dashboard.ngrok.com/get-started/your-authtoken into NGROK_AUTHTOKEN in .env.'
const useAnother = 'or choose another provider with TUNNEL.'
const waitOrChange = `Wait some minutes before trying again, ${useAnother}`

/** In order: the first whose sign is found counts. */
const tunnelFailures: Readonly<Record<string, readonly KnownFailure[]>> = {
  ngrok: [
    {
      signs: [ngrok(4018)],
      code: 'TUNNEL_AUTH_REQUIRED',
      message: 'ngrok wants to know whose account this is, and no authtoken was given.',
      hint: whereToken,
    },
    {
      signs: [ngrok(105, 106)],
      code: 'TUNNEL_TOKEN_INVALID',
      message: 'NGROK_AUTHTOKEN does not look like an authtoken of ngrok.',
      hint: 'Copy it again, whole, from https://dashboard.ngrok.com/get-started/your-authtoken; an API key or a token of ngrok 1 is something else.',
    },
    {
      signs: [ngrok(107)],
      code: 'TUNNEL_TOKEN_INVALID',
      message: 'ngrok no longer knows the authtoken in NGROK_AUTHTOKEN: it was reset or revoked.',
      hint: 'Copy the present one from https://dashboard.ngrok.com/get-started/your-authtoken.',
    },
    {
      signs: [ngrok(102, 103, 123, 3208, 8014)],
      code: 'TUNNEL_ACCOUNT_BLOCKED',
      message: 'ngrok does not serve this account: it is suspended, or its e-mail is not verified.',
      hint: `Sign in at https://dashboard.ngrok.com, which says why, ${useAnother}`,
    },
    {
      signs: [ngrok(108)],
      code: 'TUNNEL_SESSION_LIMIT',
      message: 'Another ngrok agent of this account is online, and the plan allows no more.',
      hint: 'Stop it where it runs, or at https://dashboard.ngrok.com/agents.',
    },
    {
      signs: [ngrok(120, 121)],
      code: 'TUNNEL_CLIENT_OUTDATED',
      message: 'ngrok no longer accepts the version of its client that is installed.',
      hint: 'Update it with `pnpm update @ngrok/ngrok`.',
    },
    {
      signs: [ngrok(313, 314)],
      code: 'TUNNEL_NAME_REFUSED',
      message: 'The name in NGROK_DOMAIN needs a paid plan of ngrok.',
      hint: 'Leave NGROK_DOMAIN empty to get the domain that belongs to the account.',
    },
    {
      signs: [ngrok(316, 319, 320)],
      code: 'TUNNEL_NAME_REFUSED',
      message: 'The name in NGROK_DOMAIN is not reserved for this account.',
      hint: 'Set NGROK_DOMAIN to a name listed at https://dashboard.ngrok.com/domains, or leave it empty.',
    },
    {
      signs: [ngrok(15013)],
      code: 'TUNNEL_NAME_REFUSED',
      message: 'The ngrok account has no domain of its own yet.',
      hint: 'Open https://dashboard.ngrok.com/domains once, which creates it.',
    },
    {
      signs: [ngrok(324, 18021)],
      code: 'TUNNEL_ENDPOINT_LIMIT',
      message: 'This ngrok account has as many endpoints online as its plan allows.',
      hint: 'Stop one at https://dashboard.ngrok.com/endpoints.',
    },
    {
      signs: [ngrok(334, 18019)],
      code: 'TUNNEL_NAME_TAKEN',
      message: 'The ngrok domain is online already, in another project or on another machine.',
      hint: 'Stop the other one, at https://dashboard.ngrok.com/endpoints if need be, or set NGROK_DOMAIN to another name.',
    },
    {
      signs: [ngrok(9009)],
      code: 'TUNNEL_PROXY_REFUSED',
      message: 'The way to ngrok leads through an HTTP proxy, which its free plan does not allow.',
      hint: `Connect without a proxy, ${useAnother}`,
    },
    {
      signs: [ngrok(3200)],
      code: 'TUNNEL_OFFLINE',
      message: 'ngrok says that the endpoint is offline.',
      hint: 'Nothing to do: the tunnel is opened again.',
    },
    {
      signs: [ngrok(8012, 3004)],
      code: 'TUNNEL_TARGET_REFUSED',
      message: 'ngrok reaches this machine, but the gateway did not answer it.',
      hint: 'See whether something stopped the gateway, or a firewall blocks loopback.',
    },
    {
      signs: [/ERR_NGROK_(?:70[2-9]|71\d|72[0-7]|353)\b/],
      code: 'TUNNEL_RATE_LIMITED',
      message:
        "A limit of the ngrok account's plan is used up: requests, connections or bandwidth.",
      hint: `See https://dashboard.ngrok.com/usage, ${useAnother}`,
    },
    {
      signs: ['failed to establish tcp connection', 'invalid server address'],
      code: 'TUNNEL_UNREACHABLE',
      message: 'ngrok cannot be reached from here.',
      hint: 'Look at the network, the firewall (TCP 443 to connect.ngrok-agent.com) and NGROK_SERVER_ADDR.',
    },
    {
      signs: ['tls handshake error'],
      code: 'TUNNEL_UNTRUSTED',
      message: 'The server at the address of ngrok showed a certificate that is not trusted.',
      hint: "Give the authority of that certificate, your own edge's or an inspecting proxy's, in NGROK_CA_CERT.",
    },
    {
      signs: ['Cannot find native binding', /Cannot find (?:module|package) '@ngrok\/ngrok/],
      code: 'TUNNEL_CLIENT_MISSING',
      message: 'The ngrok client has no build for this system, or it was not installed.',
      hint: `Run \`pnpm install\` without --no-optional, ${useAnother}`,
    },
  ],
  cloudflare: [
    {
      signs: ['error code: 1015', '429 Too Many Requests', /status_code="?429/],
      code: 'TUNNEL_RATE_LIMITED',
      message: 'Cloudflare allows no more quick tunnels from this address for the moment.',
      hint: `${waitOrChange} A tunnel of your own, with CLOUDFLARE_TUNNEL_TOKEN, has no such limit.`,
    },
    {
      signs: ['error code: 1033', /\b530\b.*\b(?:1033|origin)/i],
      code: 'TUNNEL_OFFLINE',
      message: 'Cloudflare knows the name but has no connection from this machine.',
      hint: 'Nothing to do if it lasts some seconds: the tunnel is opened again.',
    },
    {
      signs: ['Provided Tunnel token is not valid', 'Invalid tunnel secret', /Unauthorized: /],
      code: 'TUNNEL_TOKEN_INVALID',
      message: 'Cloudflare does not accept the token or credentials of the tunnel.',
      hint: 'Copy the token again from the tunnel in the Zero Trust dashboard into CLOUDFLARE_TUNNEL_TOKEN, or run `cloudflared tunnel login`.',
    },
    {
      signs: [/failed to dial .*quic/i],
      code: 'TUNNEL_UDP_BLOCKED',
      message: 'The network blocks QUIC (UDP port 7844), which cloudflared was told to use.',
      hint: 'Set CLOUDFLARE_PROTOCOL=http2, the default, which needs TCP port 7844 only.',
    },
    {
      signs: [
        'failed to request quick Tunnel',
        /dial tcp.*(?:refused|no such host|unreachable|timeout)/,
        /Couldn't resolve SRV|looking up Cloudflare edge/,
        'edge discovery',
      ],
      code: 'TUNNEL_UNREACHABLE',
      message: 'Cloudflare cannot be reached from here.',
      hint: `Look at the network and the firewall (TCP 443 and 7844), ${useAnother}`,
    },
    {
      signs: ['failed to unmarshal quick Tunnel', 'failed to parse quick Tunnel ID'],
      code: 'TUNNEL_UNREACHABLE',
      message: 'Cloudflare did not hand out a quick tunnel: its answer was not the expected one.',
      hint: waitOrChange,
    },
    {
      signs: [
        'credentials file',
        'Cannot determine default origin certificate',
        'origin cert',
        /neither the ID nor the name of any of your tunnels/,
      ],
      code: 'TUNNEL_AUTH_REQUIRED',
      message: 'cloudflared has no credentials for the tunnel in CLOUDFLARE_TUNNEL_NAME.',
      hint: 'Run `cloudflared tunnel login` and `cloudflared tunnel create <name>` on this machine, or use CLOUDFLARE_TUNNEL_TOKEN.',
    },
    {
      signs: ['http_status:404', 'No ingress rules'],
      code: 'TUNNEL_CONFIG_HIJACKED',
      message: 'Another configuration of cloudflared decides where the requests of the tunnel go.',
      hint: 'For a tunnel with a token, point its public hostname at this gateway in the Zero Trust dashboard.',
    },
  ],
  localtunnel: [
    {
      signs: ['HTTP 403'],
      code: 'TUNNEL_NAME_REFUSED',
      message: 'The localtunnel server refuses the name in LOCALTUNNEL_SUBDOMAIN.',
      hint: 'Use 4 to 63 lower-case letters, digits and hyphens, or leave it empty.',
    },
    {
      signs: ['HTTP 409'],
      code: 'TUNNEL_NAME_TAKEN',
      message: 'The name in LOCALTUNNEL_SUBDOMAIN is in use.',
      hint: 'Choose another, or leave LOCALTUNNEL_SUBDOMAIN empty to be given one.',
    },
    {
      signs: ['HTTP 429'],
      code: 'TUNNEL_RATE_LIMITED',
      message: 'The localtunnel server allows no more tunnels from this address for the moment.',
      hint: waitOrChange,
    },
    {
      signs: [/HTTP 4\d\d/, 'answered no registration'],
      code: 'TUNNEL_UNREACHABLE',
      message: 'The server at LOCALTUNNEL_HOST does not speak the protocol of localtunnel.',
      hint: 'Set LOCALTUNNEL_HOST to the origin of a localtunnel server, or leave it empty.',
    },
    {
      signs: [/\bconnection refused: /, /only \d+ of \d+ connections/],
      code: 'TUNNEL_UNREACHABLE',
      message: 'The localtunnel server gave out a port that cannot be reached.',
      hint: `A firewall may block high TCP ports; allow them, ${useAnother}`,
    },
    {
      signs: [
        'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
        'SELF_SIGNED_CERT',
        'DEPTH_ZERO_SELF_SIGNED_CERT',
        /\bcertificate\b/,
      ],
      code: 'TUNNEL_UNTRUSTED',
      message: 'The localtunnel server showed a certificate that is not trusted.',
      hint: 'Start with NODE_EXTRA_CA_CERTS set to the authority of that certificate.',
    },
    {
      signs: ['ETIMEDOUT'],
      code: 'TUNNEL_SILENT',
      message: 'The localtunnel server takes connections but does not answer.',
      hint: `Try again later, ${useAnother}`,
    },
    {
      signs: [
        'ENOTFOUND',
        'EAI_AGAIN',
        'ECONNREFUSED',
        'ECONNRESET',
        'ENETUNREACH',
        'EHOSTUNREACH',
      ],
      code: 'TUNNEL_UNREACHABLE',
      message: 'The localtunnel server cannot be reached from here.',
      hint: `Look at the network and LOCALTUNNEL_HOST, ${useAnother}`,
    },
  ],
}

/** The known failure that the words of a client, an edge or its answer speak of. */
export function recogniseFailure(provider: string, words: string): TunnelFailure | undefined {
  const known = tunnelFailures[provider]?.find(({ signs }) =>
    signs.some((sign) => (typeof sign === 'string' ? words.includes(sign) : sign.test(words))),
  )
  return known && { code: known.code, message: known.message, hint: known.hint }
}

/** The error of a known failure; one with the client's own words, which are redacted, otherwise. */
export function explainFailure(
  provider: string,
  options: { how: string; words: string },
): UserError {
  const known = recogniseFailure(provider, options.words)
  if (known) return toUserError(known, options.words)
  const words = options.words.trim() === '' ? '.' : `: ${options.words.trim()}`
  return new UserError('TUNNEL_CLIENT_ENDED', `${options.how}${words}`, {
    hint: `This failure is not a known one. Try again with LOG_LEVEL=debug, ${useAnother}`,
  })
}

/** A known failure as the error it is, caused by what the client said. */
export function toUserError(failure: TunnelFailure, words?: string): UserError {
  const cause = words === undefined ? undefined : new Error(words)
  return new UserError(failure.code, failure.message, { hint: failure.hint, cause })
}

function ngrok(...codes: number[]): RegExp {
  return new RegExp(`ERR_NGROK_(?:${codes.join('|')})\\b`)
}
