import * as z from 'zod'
import {
  profileNamePattern,
  reservedProfileNames,
  serverNamePattern,
  toolNamePattern,
} from './names.ts'

const nonEmpty = { error: 'must not be empty' }
const expands = `\`\${VAR}\` and \`\${VAR:-default}\` are replaced from the environment and .env.`

const serverName = z.string().regex(serverNamePattern, {
  error:
    'is not a valid server name; allowed are 1 to 64 letters, digits, "_", "." and "-", the first a letter or a digit',
})

const profileName = z
  .string()
  .regex(profileNamePattern, {
    error:
      'is not a valid profile name; allowed are 1 to 50 lower-case letters, digits, "_" and "-", the first a letter or a digit',
  })
  .refine((name) => !reservedProfileNames.includes(name), {
    error: `is a reserved profile name; reserved are ${reservedProfileNames.join(', ')}`,
  })

function commonServerKeys(isolation: 'shared' | 'session') {
  return {
    isolation: z
      .enum(['shared', 'session'])
      .default(isolation)
      .describe(
        '`shared`: one connection serves every client. `session`: each MCP session has its own.',
      ),
    timeoutSeconds: z
      .number()
      .positive()
      .max(86_400)
      .default(600)
      .describe('Longest time one request may take, in seconds.'),
    idleMinutes: z
      .number()
      .min(0)
      .max(10_080)
      .default(15)
      .describe('A connection nobody has used for so long is closed; 0 keeps it.'),
    era: z
      .enum(['2025', '2026'])
      .optional()
      .describe('The protocol revisions it speaks, where asking it for them does not go well.'),
    forwardCaller: z
      .boolean()
      .default(false)
      .describe('Whether requests tell the server who calls (profile, origin, client) in `_meta`.'),
  }
}

const stdioServer = z
  .strictObject({
    type: z.literal('stdio').optional().describe('A program that is started and spoken to.'),
    command: z.string().min(1, nonEmpty).describe(`The program to start. ${expands}`),
    args: z.array(z.string()).default([]).describe(`Its arguments. ${expands}`),
    env: z
      .record(z.string().regex(/^[^=\0]+$/, { error: 'is not a valid variable name' }), z.string())
      .default({})
      .describe(`Environment variables it gets. ${expands}`),
    cwd: z
      .string()
      .min(1, nonEmpty)
      .default('.')
      .describe(`Its working folder, relative to the one the gateway was started in. ${expands}`),
    watch: z
      .union([z.boolean(), z.array(z.string().min(1, nonEmpty)).min(1)])
      .default(false)
      .describe(
        'Restarts it when a file changes that one of these globs finds in its working folder; `true`: the sources in the folder of its script.',
      ),
    ...commonServerKeys('shared'),
  })
  .describe('An MCP server started as a program on this machine.')

const upstreamAuth = z
  .strictObject({
    grant: z
      .enum(['authorization_code', 'client_credentials'])
      .default('authorization_code')
      .describe(
        '`authorization_code`: somebody logs in with a browser. `client_credentials`: nobody.',
      ),
    clientId: z
      .string()
      .min(1, nonEmpty)
      .optional()
      .describe(`Client id you were given. ${expands}`),
    clientSecret: z.string().min(1, nonEmpty).optional().describe(`Its secret. ${expands}`),
    privateKey: z
      .string()
      .min(1, nonEmpty)
      .optional()
      .describe(`PKCS #8 PEM of its key, for private_key_jwt. ${expands}`),
    issuer: z.string().optional().describe('The only authorization server to give these to.'),
    scopes: z
      .array(z.string())
      .optional()
      .describe('Scopes to ask for, instead of what it demands.'),
    allowPrivateNetwork: z
      .boolean()
      .default(false)
      .describe('Whether its metadata may lead to private addresses.'),
  })
  .refine(({ clientId, ...others }) => clientId !== undefined || !needsClientId(others), {
    error: 'needs "clientId" as well',
  })

function needsClientId(auth: {
  grant: string
  clientSecret?: string | undefined
  privateKey?: string | undefined
}): boolean {
  const hasCredential = auth.clientSecret !== undefined || auth.privateKey !== undefined
  return hasCredential || auth.grant === 'client_credentials'
}

const httpServer = z
  .strictObject({
    type: z
      .enum(['http', 'streamable-http', 'sse'])
      .default('http')
      .describe('`http` (also `streamable-http`), or `sse` for the older HTTP+SSE transport.'),
    url: z.string().min(1, nonEmpty).describe(`Address of its MCP endpoint. ${expands}`),
    headers: z
      .record(
        z.string().regex(/^[!#$%&'*+.^_`|~\w-]+$/, { error: 'is not a valid HTTP header name' }),
        z.string(),
      )
      .default({})
      .describe(`HTTP headers sent with every request. ${expands}`),
    auth: z
      .union([z.literal(false), upstreamAuth], {
        error: 'must be false, or an object that says how to log in',
      })
      .optional()
      .describe('How to log in where it asks for OAuth; `false` never does.'),
    tls: z
      .strictObject({
        insecureSkipVerify: z
          .boolean()
          .default(false)
          .describe(
            'Talk to whoever answers, without checking its certificate. Warned about at every start, and refused while the gateway can be reached from beyond this machine. `sallyport ca add` is the way that checks.',
          ),
      })
      .prefault({})
      .describe('How its certificate is checked.'),
    ...commonServerKeys('session'),
  })
  .describe('An MCP server reached over HTTP.')

const profile = z
  .strictObject({
    description: z.string().optional().describe('What this profile is for, shown to people.'),
    servers: z
      .array(z.string())
      .min(1, { error: 'must name at least one server' })
      .optional()
      .describe('Names of its servers, in order of precedence. Every server when left out.'),
    auth: z
      .enum(['none', 'key', 'oauth'])
      .optional()
      .describe(
        'What callers must bring: nothing, an API key, or an OAuth token (or a key). When left out: nothing on this machine, `oauth` from anywhere else. `none` elsewhere takes --allow-anonymous.',
      ),
    scopes: z
      .record(
        z.string().regex(/^[\x21\x23-\x5b\x5d-\x7e]+$/, { error: 'is not a valid scope name' }),
        z.strictObject({
          tools: z.array(z.string()).default([]).describe('Globs, `tool` or `server/tool`.'),
          annotations: z
            .array(z.enum(['read-only', 'writing', 'destructive']))
            .default([])
            .describe('What the tools say of themselves.'),
        }),
      )
      .default({})
      .describe('Scopes that calls of some tools need beside `mcp`.'),
    naming: z
      .enum(['auto', 'prefix', 'plain'])
      .default('auto')
      .describe(
        '`auto`: one server keeps its tool names, several get `server__tool`. `prefix`: always prefixed. `plain`: never; at a collision the first server wins.',
      ),
    tools: z
      .strictObject({
        allow: z
          .array(z.string())
          .default([])
          .describe('Globs of the tools to expose, `tool` or `server/tool`. Empty exposes all.'),
        deny: z
          .array(z.string())
          .default([])
          .describe('Globs of the tools to leave out; wins over `allow`.'),
        rename: z
          .record(
            z.string(),
            z.string().regex(toolNamePattern, {
              error: 'must be 1 to 64 letters, digits, "_" and "-"',
            }),
          )
          .default({})
          .describe('`tool` or `server/tool` to the name clients see.'),
        describe: z
          .record(z.string(), z.string().min(1, nonEmpty))
          .default({})
          .describe('`tool` or `server/tool` to the description clients see.'),
      })
      .prefault({})
      .describe('Which tools clients see, and how.'),
  })
  .describe('A named selection of servers and tools, served at /api/mcp/<name>.')

const companionProcess = z
  .strictObject({
    name: z.string().min(1, nonEmpty).describe('What its output is labelled with.'),
    command: z
      .string()
      .min(1, nonEmpty)
      .describe('Command line, run by the shell with APP_URL in its environment.'),
    cwd: z
      .string()
      .min(1, nonEmpty)
      .default('.')
      .describe('Its working folder, relative to the one the gateway was started in.'),
    env: z
      .record(z.string(), z.string())
      .default({})
      .describe('Environment variables it gets beside those of the gateway, taken literally.'),
  })
  .describe('A process that runs beside the gateway.')

/** `config/gateway.json` as people write it, before variables are expanded and names checked. */
export const gatewayFileSchema = z
  .strictObject({
    $schema: z.string().optional().describe('The JSON Schema editors check this file with.'),
    mcpServers: z
      .record(serverName, z.union([stdioServer, httpServer]))
      .default({})
      .describe('The MCP servers by name, as MCP clients write them.'),
    profiles: z
      .record(profileName, profile)
      .default({})
      .describe('Selections of servers and tools. `default` exposes every server unless given.'),
    dev: z
      .strictObject({
        processes: z.array(companionProcess).default([]).describe('Processes to run alongside.'),
      })
      .prefault({})
      .describe('What runs beside the gateway during development.'),
    limits: z
      .strictObject({
        bodyMiB: z
          .number()
          .positive()
          .max(1024)
          .default(4)
          .describe(
            'Largest request body that is read, in MiB. A larger one is answered with 413.',
          ),
      })
      .prefault({})
      .describe('How much one request may take.'),
    allowedHosts: z
      .array(
        z.string().regex(/^(\[[\da-fA-F:.]+\]|[A-Za-z0-9]([\w.-]*[A-Za-z0-9])?)(:\d{1,5})?$/, {
          error: 'must be a host as "name" or "name:port", without scheme, path or wildcard',
        }),
      )
      .default([])
      .describe('Hosts to serve beyond the known addresses, as `name` or `name:port`.'),
    allowedOrigins: z
      .array(
        z.string().regex(/^[A-Za-z][A-Za-z\d+.-]*:\/\/[^/\s?#@*]+$/, {
          error: 'must be an origin such as "https://app.example.com", without a path or wildcard',
        }),
      )
      .default([])
      .describe('Browser origins that may call the endpoints beyond our own.'),
  })
  .describe('Configuration of Sallyport: the MCP servers and how they are offered.')

export type GatewayFileInput = z.output<typeof gatewayFileSchema>
export type ServerInput = GatewayFileInput['mcpServers'][string]
export type ProfileInput = GatewayFileInput['profiles'][string]
