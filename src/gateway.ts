import type { GatewayFile, ResolvedConfig } from './config/resolved-config.ts'
import type { GatewayEvent, ReadyEvent } from './gateway-events.ts'
import type { Logger } from './lib/logger.ts'

export interface GatewayOptions {
  readonly config: ResolvedConfig
  readonly logger: Logger
  /** Called for everything worth telling; `ready` comes exactly once per start. */
  readonly onEvent: (event: GatewayEvent) => void
}

export interface Gateway {
  /** What `ready` said, with the counts and states of now. */
  status(): ReadyEvent
  /** Applies an edited configuration file; unaffected upstreams and their clients notice nothing. */
  applyFile(next: GatewayFile): Promise<void>
  /** Restarts the upstreams and proves the address again. */
  reopen(): Promise<void>
  /** Stops listeners, then upstreams; every child is gone when it resolves. Safe to call twice. */
  close(): Promise<void>
}

/**
 * Builds and starts everything. A failed start closes what it had opened before it rejects.
 * @throws UserError when a port, certificate, store or address cannot be used
 */
export async function startGateway(_options: GatewayOptions): Promise<Gateway> {
  throw new Error('being written')
}
