import { isIP } from 'node:net'
import * as z from 'zod'
import { isPlainHost } from '../lib/hosts.ts'

function port(standard: number) {
  const rule = { error: 'must be a port number from 0 to 65535, where 0 takes any free one' }
  return z
    .string()
    .refine((text) => /^\d{1,5}$/.test(text) && Number(text) <= 65_535, rule)
    .transform(Number)
    .default(standard)
}

function isHost(text: string): boolean {
  return isIP(text) !== 0 || /^[A-Za-z0-9]([\w.-]*[A-Za-z0-9])?$/.test(text)
}

function httpUrl(standard: string) {
  const isHttpUrl = (text: string) => /^https?:$/.test(URL.parse(text)?.protocol ?? '')
  return z
    .string()
    .refine(isHttpUrl, { error: 'must be a URL that starts with https:// or http://' })
    .default(standard)
}

function isPattern(text: string): boolean {
  try {
    new RegExp(text)
    return true
  } catch {
    return false
  }
}

/**
 * Every variable of the environment the gateway reads, without the empty ones, which count as not
 * set. `.env.example` documents the same list.
 */
export const environmentSchema = z.object({
  PORT: port(3001).describe('Port of the local HTTP listener.'),
  HTTPS_PORT: port(3443).describe('Port of the local HTTPS listener.'),
  HOST: z
    .string()
    .refine(isHost, { error: 'must be a host name or an IP address, without scheme or port' })
    .default('127.0.0.1')
    .describe('Address to listen on.'),
  TUNNEL: z
    .string()
    .refine((text) => /^[\w-]+(\s*,\s*[\w-]+)*$/.test(text), {
      error: 'must be auto, local, external, none, or providers such as ngrok,localtunnel,local',
    })
    .transform(splitList)
    .default(['auto'])
    .describe('How the gateway gets its public address.'),
  APP_URL: z.string().optional().describe('A public address of your own.'),
  APP_URL_FILES: z
    .string()
    .transform(splitList)
    .default(['.env'])
    .describe('Files whose APP_URL line follows the address, separated by commas.'),
  LOCALTUNNEL_HOST: httpUrl('https://loca.lt').describe('Server of localtunnel.'),
  LOCALTUNNEL_SUBDOMAIN: z.string().optional().describe('Name to ask localtunnel for.'),
  NGROK_AUTHTOKEN: z.string().optional().describe('Token of your ngrok account.'),
  NGROK_DOMAIN: z.string().optional().describe('Domain of your ngrok account.'),
  NGROK_SERVER_ADDR: z.string().optional().describe('Edge of ngrok, host:port.'),
  NGROK_CA_CERT: z.string().optional().describe('PEM file of the authority of that edge.'),
  CLOUDFLARE_TUNNEL_TOKEN: z.string().optional().describe('Token of a Cloudflare tunnel.'),
  CLOUDFLARE_TUNNEL_NAME: z.string().optional().describe('Name of a tunnel made by cloudflared.'),
  CLOUDFLARE_HOSTNAME: z
    .string()
    .refine((text) => isPlainHost(text.toLowerCase()), {
      error: 'must be a host name such as mcp.example.com, without scheme, port or path',
    })
    .optional()
    .describe('Public host name of that tunnel.'),
  CLOUDFLARE_PROTOCOL: z
    .enum(['http2', 'quic', 'auto'])
    .default('http2')
    .describe('How cloudflared talks to its edge.'),
  CLOUDFLARED_BIN: z.string().optional().describe('The cloudflared program.'),
  CLOUDFLARE_EDGE: z
    .string()
    .refine((text) => /^[^\s/]+:\d{1,5}$/.test(text), { error: 'must be host:port' })
    .optional()
    .describe('Edge of Cloudflare, host:port.'),
  CLOUDFLARE_CA_CERT: z.string().optional().describe('PEM file of the authority of that edge.'),
  TUNNEL_COMMAND: z.string().optional().describe('Command line that opens a tunnel.'),
  TUNNEL_COMMAND_URL: z
    .string()
    .refine(isPattern, { error: 'must be a regular expression' })
    .default('https://[^\\s"\'<>]+')
    .describe('Finds the public address in what that command prints.'),
  AUTH_ISSUER: z
    .string()
    .refine((text) => URL.canParse(text), { error: 'must be a URL' })
    .optional()
    .describe('Authorization server elsewhere whose tokens are taken.'),
  AUTH_ALLOW: z
    .string()
    .transform(splitList)
    .default([])
    .describe('Who may allow clients after signing in.'),
  AUTH_REDIRECT_SCHEMES: z
    .string()
    .transform(splitList)
    .refine((schemes) => schemes.every((one) => /^[a-z][a-z0-9+.-]*$/.test(one)), {
      error: 'must be names such as myapp,other-app, in lower case and without "://"',
    })
    .default([])
    .describe('Further schemes under which applications are called back.'),
  AUTH_GITHUB_CLIENT_ID: z.string().optional().describe('OAuth app for sign-in with GitHub.'),
  AUTH_GITHUB_CLIENT_SECRET: z.string().optional().describe('Its secret.'),
  AUTH_GOOGLE_CLIENT_ID: z.string().optional().describe('OAuth client for sign-in with Google.'),
  AUTH_GOOGLE_CLIENT_SECRET: z.string().optional().describe('Its secret.'),
  AUTH_OIDC_ISSUER: z
    .string()
    .refine((text) => URL.canParse(text), { error: 'must be a URL' })
    .optional()
    .describe('OpenID Connect issuer for sign-in.'),
  AUTH_OIDC_CLIENT_ID: z.string().optional().describe('Client id there.'),
  AUTH_OIDC_CLIENT_SECRET: z.string().optional().describe('Its secret.'),
  SALLYPORT_CONFIG: z.string().default('config/gateway.json').describe('Configuration file.'),
  SALLYPORT_HOME: z.string().default('.sallyport').describe('Folder of state, leaf and logs.'),
  SALLYPORT_CA_ROOT: z.string().optional().describe('Folder of the certificate authority.'),
  SALLYPORT_SECRET: z
    .string()
    .min(16, { error: 'must have at least 16 characters' })
    .optional()
    .describe('Seals tokens at rest.'),
  SSL_CERT_PATH: z.string().optional().describe('Certificate of your own, with its chain.'),
  SSL_KEY_PATH: z.string().optional().describe('Private key of that certificate.'),
  SSL_CA_PATH: z.string().optional().describe('Root that certificate leads to.'),
  LOG_LEVEL: z
    .enum(['silent', 'error', 'warn', 'info', 'debug', 'trace'])
    .default('warn')
    .describe('How much the log says.'),
  DEBUG_SSL: z
    .enum(['0', '1', 'false', 'true'])
    .default('0')
    .describe('Describes every TLS connection.'),
})

export type Environment = z.output<typeof environmentSchema>
export type VariableName = keyof Environment

function splitList(text: string): string[] {
  return text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '')
}
