import { join } from 'node:path'
import type { GatewayEvent, TrustEvent } from '../../src/gateway-events.ts'
import { openSqliteStore } from '../../src/store/sqlite-store.ts'
import type { Store } from '../../src/store/store.ts'
import { openUpstreamBundles } from '../../src/tls/upstream/open-upstream-bundles.ts'
import type { TestGateway } from '../fixtures/gateway.ts'
import { createTestAuthority } from '../tls/lab.ts'
import { withShortcuts } from '../tls/upstream/bundle-lab.ts'

export const byTest = { by: 'the test', from: 'cli' }

/** An authority for 127.0.0.1, which stands for one of a company. */
export const createPrivateCa = () => createTestAuthority(['localhost', '127.0.0.0/8'])

/** The bundles of a gateway's folder as another process sees them. */
export function bundlesBeside({ config }: Pick<TestGateway, 'config'>): {
  bundles: ReturnType<typeof withShortcuts>
  store: ReturnType<typeof openSqliteStore>
  close(): Promise<void>
} {
  const store = openSqliteStore(join(config.home, 'state.sqlite'))
  return {
    bundles: withShortcuts(openUpstreamBundles({ config, store })),
    store,
    close: async () => store.close(),
  }
}

/** Puts another authority into what is kept for a server, below the signature that is there. */
export async function tamperWith(store: Store, server: string, ca: string): Promise<void> {
  const [header, payload = '', signature] = String(await store.get('upstream-ca', server)).split(
    '.',
  )
  const content = { ...JSON.parse(Buffer.from(payload, 'base64url').toString()), ca: [ca] }
  const tampered = Buffer.from(JSON.stringify(content)).toString('base64url')
  await store.set('upstream-ca', server, `${header}.${tampered}.${signature}`)
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
