import type {
  CheckResult,
  Tunnel,
  TunnelEnd,
  TunnelProvider,
  TunnelTraits,
} from '../../../src/tunnels/tunnel-provider.ts'

/** What the next `open` does. */
export type OpenScript =
  | { readonly url: string }
  | { readonly error: Error }
  /** Never answers, as a client does whose service is silent. */
  | 'hangs'

export interface FakeProvider extends TunnelProvider {
  /** What `open` does from now on. */
  script: OpenScript
  checkResult: CheckResult
  /** How often it was opened. */
  readonly opens: () => number
  /** Clients that run now: opening ones and open ones. */
  readonly running: () => number
  /** Ends the open tunnel from its side. */
  end(end?: Partial<TunnelEnd>): void
}

export const anyTraits: TunnelTraits = {
  skipInterstitialHeader: 'skip-it',
  interstitialAdvice: undefined,
  maxHeldStreams: 8,
  clientAddress: { header: 'x-forwarded-for', take: 'last' },
  encryptedLeg: true,
}

export function createFakeProvider(name: string, url = `https://${name}.example`): FakeProvider {
  let opens = 0
  const running = new Set<(end: TunnelEnd) => void>()
  const provider: FakeProvider = {
    name,
    script: { url },
    checkResult: { ok: true },
    check: async () => provider.checkResult,
    async open(_target, { signal }) {
      opens += 1
      signal.throwIfAborted()
      if (provider.script === 'hangs') return hang(signal)
      if ('error' in provider.script) throw provider.script.error
      return openTunnel(new URL(provider.script.url))
    },
    opens: () => opens,
    running: () => running.size,
    end(end = {}) {
      for (const stop of running) stop({ reason: 'lost', detail: 'The client left.', ...end })
    },
  }

  function hang(signal: AbortSignal): Promise<never> {
    const client = () => {}
    running.add(client)
    return new Promise((_, reject) => {
      signal.addEventListener('abort', () => {
        running.delete(client)
        reject(signal.reason)
      })
    })
  }

  function openTunnel(publicUrl: URL): Tunnel {
    const { promise: ended, resolve } = Promise.withResolvers<TunnelEnd>()
    const stop = (end: TunnelEnd) => {
      running.delete(stop)
      resolve(end)
    }
    running.add(stop)
    const close = async () => stop({ reason: 'closed', detail: 'The tunnel was closed.' })
    return { publicUrl, ended, close }
  }
  return provider
}
