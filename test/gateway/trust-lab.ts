import { join } from 'node:path'
import { openUpstreamBundles } from '../../src/gateway/open-upstream-bundles.ts'
import type { GatewayEvent, TrustEvent } from '../../src/gateway-events.ts'
import { openSqliteStore } from '../../src/store/sqlite-store.ts'
import type { UpstreamBundles } from '../../src/tls/upstream/upstream-bundles.ts'
import type { TestGateway } from '../fixtures/gateway.ts'
import { createTestAuthority } from '../tls/lab.ts'

export const byTest = { by: 'the test', from: 'cli' }

/** An authority for 127.0.0.1, which stands for one of a company. */
export const createPrivateCa = () => createTestAuthority(['localhost', '127.0.0.0/8'])

/** The bundles of a gateway's folder as another process sees them. */
export function bundlesBeside({ config }: Pick<TestGateway, 'config'>): {
  bundles: UpstreamBundles
  store: ReturnType<typeof openSqliteStore>
  close(): Promise<void>
} {
  const store = openSqliteStore(join(config.home, 'state.sqlite'))
  return {
    bundles: openUpstreamBundles({ config, store }),
    store,
    close: async () => store.close(),
  }
}

export function pem(text: string, name = 'ca.pem') {
  return { name, content: Buffer.from(text) }
}

/** What `default` says of one of its servers. */
export function serverOf({ gateway }: Pick<TestGateway, 'gateway'>, name: string) {
  return gateway.status().profiles[0]?.servers.find((server) => server.name === name)
}

export function trustChanges(events: readonly GatewayEvent[]): string[] {
  return events
    .filter((event): event is TrustEvent => event.event === 'trust')
    .map(({ server, change }) => `${server} ${change}`)
}
