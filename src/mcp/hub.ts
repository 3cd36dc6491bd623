import type { GatewayFile, ServerConfig } from '../config/resolved-config.ts'
import type { ProfileSummary, ReloadOutcome, UpstreamEvent } from '../gateway-events.ts'
import type { Logger } from '../lib/logger.ts'
import type { ProcessReaper } from '../lib/process-reaper.ts'
import type { UpstreamConnections } from '../lib/upstream-connections.ts'
import type { Store } from '../store/store.ts'
import { createEndpoint, type Endpoint } from './endpoint/endpoint.ts'
import type { Sealer } from './endpoint/session-records.ts'
import { createProfile } from './profile.ts'
import type { CatalogKind, ServerCatalog } from './profiles/catalog.ts'
import { createRelay } from './relay/relay.ts'
import type { TrafficTap } from './traffic-tap.ts'
import { createUpstream, type Upstream, type UpstreamOptions } from './upstreams/upstream.ts'
import type { UpstreamAuth } from './upstreams/upstream-auth.ts'

/** How long a server that is to be restarted may go on with the calls it has, ms. */
const reloadPatienceMs = 10_000
const everyKind: ReadonlySet<CatalogKind> = new Set(['tools', 'resources', 'prompts'])

/** All upstreams and all profiles, kept in step with the configuration file. */
export interface McpHub {
  endpoint(profile: string): Endpoint | undefined
  profileNames(): string[]
  summaries(urlOf: (profile: string) => string): ProfileSummary[]
  /** Settles when every upstream of now was tried once. */
  tried(): Promise<void>
  /** Applies an edited file and returns what changed, as sentences. */
  apply(next: GatewayFile): Promise<string[]>
  restartUpstreams(): Promise<void>
  restartUpstream(server: string): Promise<void>
  /**
   * Restarts a server whose files have changed, without a call that is lost; undefined when it has gone
   * from the configuration.
   */
  reloadServer(server: string): Promise<ReloadOutcome | undefined>
  /** Announces the links of servers that wait for a login anew, under a new address. */
  refreshLogins(): Promise<void>
  close(): Promise<void>
}

export interface McpHubOptions {
  readonly file: GatewayFile
  readonly version: string
  readonly store: Store
  /** Our own environment. */
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly reaper: ProcessReaper
  readonly auth: UpstreamAuth
  readonly connections: UpstreamConnections
  /** Seals the ids of MCP sessions. */
  readonly sealer: Sealer
  readonly logger: Logger
  readonly tap: TrafficTap
  readonly now: () => number
  readonly random: () => number
  readonly onUpstream: (event: UpstreamEvent) => void
  readonly warn: UpstreamOptions['warn']
}

/** Creates the hub; upstreams start connecting at once, in the background. */
export function createMcpHub(options: McpHubOptions): McpHub {
  const { version, now, store, sealer, tap } = options
  const upstreams = new Map<string, Upstream>()
  const endpoints = new Map<string, Endpoint>()
  const relay = createRelay()
  /** What becomes of them is told by whoever reloads them. */
  const reloading = new Set<string>()
  let closed = false

  function openUpstream(config: ServerConfig, lastCatalog?: ServerCatalog): void {
    const upstream = createUpstream({
      config,
      lastCatalog,
      clientInfo: { name: 'sallyport', version },
      store,
      environment: options.environment,
      reaper: options.reaper,
      auth: options.auth,
      connections: options.connections,
      logger: options.logger.child(`upstream:${config.name}`),
      now,
      random: options.random,
      onState: announce,
      warn: options.warn,
      onCatalog(server, kinds) {
        refreshViews(server)
        for (const endpoint of endpointsWith(server)) endpoint.listsChanged(server, kinds)
      },
      onChange(server, notification, params, session) {
        if (session) return session.heard(server, notification, params)
        for (const endpoint of endpointsWith(server)) endpoint.changed(server, notification, params)
      },
      audience: (server) => endpointsWith(server).flatMap((endpoint) => [...endpoint.sessions()]),
    })
    upstreams.set(config.name, upstream)
  }

  function announce(server: string): void {
    const upstream = upstreams.get(server)
    if (!upstream || closed || reloading.has(server)) return
    // What could not be listed is among the problems of its profiles.
    refreshViews(server)
    const { state, error, loginUrl } = upstream.status()
    const tools = upstream.catalog()?.tools.length
    options.onUpstream({
      event: 'upstream',
      server,
      state,
      ...(tools !== undefined && { tools }),
      ...(error !== undefined && { error }),
      ...(loginUrl !== undefined && { loginUrl }),
    })
  }

  function refreshViews(server: string): void {
    for (const { profile } of endpointsWith(server)) profile.refresh()
  }

  function endpointsWith(server: string): Endpoint[] {
    return [...endpoints.values()].filter(({ profile }) => profile.includes(server))
  }

  function openEndpoints(file: GatewayFile): void {
    for (const config of Object.values(file.profiles)) {
      const existing = endpoints.get(config.name)
      if (existing) existing.profile.configure(config)
      else {
        const upstream = (name: string) => upstreams.get(name)
        const profile = createProfile({ config, version, upstream, relay, tap })
        const logger = options.logger.child(`profile:${config.name}`)
        endpoints.set(config.name, createEndpoint({ profile, store, sealer, now, logger }))
      }
    }
  }

  for (const config of Object.values(options.file.servers)) openUpstream(config)
  openEndpoints(options.file)
  let current = options.file

  return {
    endpoint: (profile) => endpoints.get(profile),
    profileNames: () => [...endpoints.keys()],
    summaries: (urlOf) =>
      [...endpoints.values()].map(({ profile }) => profile.summary(urlOf(profile.config.name))),
    tried: async () => {
      await Promise.all([...upstreams.values()].map((upstream) => upstream.tried))
    },
    async apply(next) {
      const servers = compare(current.servers, next.servers)
      const profiles = compare(current.profiles, next.profiles)
      current = next
      const gone = [...servers.removed, ...servers.changed].flatMap((name) => {
        const upstream = upstreams.get(name)
        upstreams.delete(name)
        return upstream ?? []
      })
      for (const name of [...servers.added, ...servers.changed]) {
        const config = next.servers[name]
        if (config) openUpstream(config, gone.find((one) => one.name === name)?.catalog())
      }
      for (const name of profiles.removed) {
        endpoints.get(name)?.close()
        endpoints.delete(name)
      }
      openEndpoints(next)
      for (const name of profiles.changed) endpoints.get(name)?.listsChanged('', everyKind)
      await Promise.all(gone.map((upstream) => upstream.close()))
      return [...describe('server', servers), ...describe('profile', profiles)]
    },
    async reloadServer(server) {
      const upstream = upstreams.get(server)
      if (!upstream) return undefined
      const begun = now()
      const before = upstream.catalog()
      reloading.add(server)
      try {
        await upstream.reload(reloadPatienceMs)
      } finally {
        reloading.delete(server)
      }
      refreshViews(server)
      const { error } = upstream.status()
      return {
        ms: now() - begun,
        ...compare(toolsByName(before), toolsByName(upstream.catalog())),
        ...(error !== undefined && { error }),
      }
    },
    async restartUpstream(server) {
      await upstreams.get(server)?.restart()
    },
    async refreshLogins() {
      await Promise.all([...upstreams.values()].map((upstream) => upstream.refreshLogin()))
    },
    async restartUpstreams() {
      await Promise.all([...upstreams.values()].map((upstream) => upstream.restart()))
    },
    async close() {
      closed = true
      relay.close()
      for (const endpoint of endpoints.values()) endpoint.close()
      await Promise.all([...upstreams.values()].map((upstream) => upstream.close()))
    },
  }
}

function toolsByName(catalog: ServerCatalog | undefined): Record<string, unknown> {
  return Object.fromEntries((catalog?.tools ?? []).map((tool) => [tool.name, tool]))
}

interface Difference {
  added: string[]
  removed: string[]
  changed: string[]
}

function compare(
  before: Readonly<Record<string, unknown>>,
  after: Readonly<Record<string, unknown>>,
): Difference {
  const differs = (name: string) => JSON.stringify(before[name]) !== JSON.stringify(after[name])
  return {
    added: Object.keys(after).filter((name) => !Object.hasOwn(before, name)),
    removed: Object.keys(before).filter((name) => !Object.hasOwn(after, name)),
    changed: Object.keys(after).filter((name) => Object.hasOwn(before, name) && differs(name)),
  }
}

function describe(kind: string, { added, removed, changed }: Difference): string[] {
  return [
    ...added.map((name) => `${kind} "${name}" was added`),
    ...changed.map((name) => `${kind} "${name}" was changed`),
    ...removed.map((name) => `${kind} "${name}" was removed`),
  ]
}
