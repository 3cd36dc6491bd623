import type { WatchedFiles } from './watched-files.ts'

/** What was decided, once, before anything starts. Past this point there are no defaults and no environment. */
export interface ResolvedConfig extends GatewayFile {
  /** Absolute path of the configuration file. */
  readonly configFile: string
  /** Absolute path of the folder that holds state, certificates and logs (`.sallyport`). */
  readonly home: string
  /** Folder the command was started in; relative paths of the environment resolve against it. */
  readonly projectDir: string
  readonly listen: {
    readonly host: string
    readonly httpPort: number
    readonly httpsPort: number
    /** A taken port is an error instead of a reason to take the next free one. */
    readonly strictPort: boolean
  }
  /** False under `pnpm dev`: the HTTPS listener and its certificate do not exist. */
  readonly https: boolean
  readonly tunnel: TunnelSelection
  readonly tunnels: TunnelSettings
  /** The user's own public address, an origin without a trailing slash. */
  readonly appUrl: string | undefined
  /** Absolute paths of the files whose APP_URL line follows the address. */
  readonly appUrlFiles: readonly string[]
  readonly tls: {
    /** Absolute paths; both are set or neither is. */
    readonly certPath: string | undefined
    readonly keyPath: string | undefined
    readonly caPath: string | undefined
    /** Overrides the folder of our own certificate authority. */
    readonly caRoot: string | undefined
    /** What decides where mkcert keeps the user's authority. */
    readonly mkcertEnvironment: {
      readonly CAROOT: string | undefined
      readonly LOCALAPPDATA: string | undefined
      readonly XDG_DATA_HOME: string | undefined
      readonly HOME: string | undefined
    }
  }
  readonly logLevel: LogLevel
  /** Our own environment, of which each program we start is given the part it needs. */
  readonly environment: Readonly<Record<string, string | undefined>>
  /** Every TLS connection is described. */
  readonly debugSsl: boolean
  readonly auth: AuthSettings
  /** Seals secrets at rest instead of the key file under `home`. */
  readonly secret: string | undefined
}

/** `order`: the user named what to try. */
export type TunnelSelection = 'auto' | 'local' | 'external' | 'none' | 'order'

export type TunnelProviderName = 'cloudflare' | 'command' | 'localtunnel' | 'ngrok'

/** `local` opens no tunnel: local addresses will do. */
export type TunnelChoice = TunnelProviderName | 'local'

/** What the tunnel providers are given. */
export interface TunnelSettings {
  /** What to try, in order. Nothing stands after `local`; where it is first, nothing is opened. */
  readonly order: readonly TunnelChoice[]
  /** Serve profiles without authentication to everybody who finds the address. */
  readonly allowAnonymous: boolean
  /** Take another name than the one asked for. */
  readonly anySubdomain: boolean
  readonly localtunnel: { readonly host: string; readonly subdomain: string | undefined }
  readonly ngrok: {
    readonly authtoken: string | undefined
    readonly domain: string | undefined
    readonly serverAddr: string | undefined
    /** Absolute. */
    readonly caCertFile: string | undefined
  }
  readonly cloudflare: {
    readonly token: string | undefined
    readonly name: string | undefined
    readonly hostname: string | undefined
    readonly binary: string | undefined
    /** `host:port` of another edge than Cloudflare's own, and a PEM file of its authority. */
    readonly edge: string | undefined
    readonly caCertFile: string | undefined
    readonly protocol: 'http2' | 'quic' | 'auto'
  }
  readonly command: { readonly line: string | undefined; readonly urlPattern: string }
}

type LogLevel = 'silent' | 'error' | 'warn' | 'info' | 'debug' | 'trace'

/** Whose tokens are taken, and who may allow clients to get ours. */
export interface AuthSettings {
  /** An authorization server elsewhere, whose tokens are taken as well as ours. */
  readonly issuer: string | undefined
  /** Addresses, domains (`@example.com`) and logins (`github:ada`) that may allow clients. */
  readonly allow: readonly string[]
  /** Schemes of redirect URIs, beside those of known clients and reverse domain names. */
  readonly redirectSchemes: readonly string[]
  readonly signIn: readonly {
    /** What it is called in URLs and in `AUTH_ALLOW`, such as `github` or `google`. */
    readonly name: string
    readonly label: string
    readonly kind: 'github' | 'oidc'
    /** For GitHub only when it is not github.com. */
    readonly issuer: string
    readonly clientId: string
    readonly clientSecret: string
  }[]
}

/** The part of the configuration that comes from the configuration file and may change while it runs. */
export interface GatewayFile {
  readonly servers: Readonly<Record<string, ServerConfig>>
  readonly profiles: Readonly<Record<string, ProfileConfig>>
  /** Companion processes that are given APP_URL and restarted when it changes. */
  readonly processes: readonly CompanionProcess[]
  readonly limits: {
    /** A larger request body is not read, bytes. */
    readonly maxBodyBytes: number
  }
  /** Hosts served beyond the known origins, as `name` or `name:port`. */
  readonly allowedHosts: readonly string[]
  /** Browser origins that may call the endpoints, beyond our own. */
  readonly allowedOrigins: readonly string[]
}

export type ServerConfig = StdioServerConfig | HttpServerConfig

interface ServerConfigCommon {
  readonly name: string
  /**
   * `shared`: one connection serves every client. `session`: each MCP session has its own.
   * Modern (2026-07-28) upstreams are stateless, so this matters for 2025 upstreams only.
   */
  readonly isolation: 'shared' | 'session'
  /** Longest time one request may take, ms. */
  readonly timeoutMs: number
  /** A connection nobody has used for so long is closed, ms; Infinity keeps it. */
  readonly idleMs: number
  /** The protocol era it speaks; undefined asks it. */
  readonly era: 'legacy' | 'modern' | undefined
  /** Whether requests carry the caller (profile, origin, client) in `_meta`. */
  readonly forwardCaller: boolean
  /** What the variables that its entry refers to stand for; such values are not to be shown. */
  readonly variableValues: readonly string[]
}

export interface StdioServerConfig extends ServerConfigCommon {
  readonly type: 'stdio'
  readonly command: string
  readonly args: readonly string[]
  /** Only what the file names; the child also gets the safe part of our environment. */
  readonly env: Readonly<Record<string, string>>
  /** Absolute. */
  readonly cwd: string
  /** Of which a change restarts it. */
  readonly watch: WatchedFiles | undefined
}

export interface HttpServerConfig extends ServerConfigCommon {
  readonly type: 'http' | 'sse'
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  /** How to log in where it asks for OAuth; false never does. */
  readonly auth: UpstreamAuthConfig | false
  readonly tls: {
    /** Its certificate is not checked; refused while anybody beyond this machine can reach us. */
    readonly insecureSkipVerify: boolean
  }
}

export interface UpstreamAuthConfig {
  /** `client_credentials` needs nobody at a browser. */
  readonly grant: 'authorization_code' | 'client_credentials'
  readonly clientId: string | undefined
  readonly clientSecret: string | undefined
  /** PKCS #8 PEM, for `private_key_jwt`. */
  readonly privateKey: string | undefined
  /** The only authorization server that may be given the credentials above. */
  readonly issuer: string | undefined
  /** Instead of what the server asks for. */
  readonly scopes: readonly string[] | undefined
  /** The server's metadata may lead to private addresses: it is in the user's own network. */
  readonly allowPrivateNetwork: boolean
}

export interface ProfileConfig {
  readonly name: string
  readonly description: string | undefined
  /** Undefined: nothing on this machine, `oauth` from anywhere else. */
  readonly auth: 'none' | 'key' | 'oauth' | undefined
  /** Scopes that calls of some tools need beside `mcp`. */
  readonly scopes: readonly {
    readonly scope: string
    readonly tools: readonly string[]
    readonly annotations: readonly ('read-only' | 'writing' | 'destructive')[]
  }[]
  /** Names of servers, in the order that decides precedence. */
  readonly servers: readonly string[]
  /**
   * `auto`: one server keeps its names, several get `server__tool`. `prefix`: always prefixed.
   * `plain`: never prefixed; a collision is reported and the first server in order wins.
   */
  readonly naming: 'auto' | 'prefix' | 'plain'
  readonly tools: {
    /**
     * Globs over tool references: `tool` (of any server) or `server/tool`, in the upstream's own
     * names. An empty `allow` allows everything; `deny` wins over `allow`.
     */
    readonly allow: readonly string[]
    readonly deny: readonly string[]
    /** Tool reference to the exact name clients see. */
    readonly rename: Readonly<Record<string, string>>
    /** Tool reference to the description clients see. */
    readonly describe: Readonly<Record<string, string>>
  }
}

export interface CompanionProcess {
  readonly name: string
  readonly command: string
  /** Absolute. */
  readonly cwd: string
  readonly env: Readonly<Record<string, string>>
}
