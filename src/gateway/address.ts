import { createHmac, randomBytes } from 'node:crypto'
import { getCACertificates } from 'node:tls'
import type { ResolvedConfig } from '../config/resolved-config.ts'
import { UserError } from '../errors.ts'
import type { GatewayEvent } from '../gateway-events.ts'
import { systemClock } from '../lib/clock.ts'
import type { KnownOrigins } from '../origin/known-origins.ts'
import { proveOrigin } from '../origin/proof.ts'
import type { ServedCertificate } from '../tls/served-certificate.ts'

const proofTimeoutMs = 5_000
/** How often an address of the user's own that did not lead here is tried again, ms. */
const proofRetryMs = 15_000

/** Whether the address that is printed really leads to this process. */
export function createAddressProof(options: {
  config: ResolvedConfig
  origins: KnownOrigins
  /** What our own HTTPS listener serves; undefined without one. */
  served: () => ServedCertificate | undefined
  onEvent: (event: GatewayEvent) => void
}) {
  const { config, origins } = options
  const secret = randomBytes(32)
  const answer = (challenge: string) => createHmac('sha256', secret).update(challenge).digest('hex')
  const isExternal = config.appUrl !== undefined
  let proven = false
  let warned: string | undefined

  /**
   * Proves the address of now, unless a tunnel's supervisor looks after it.
   * @throws UserError ADDRESS_UNPROVEN for a local address; an external one is a warning, and is
   * tried again
   */
  async function prove(): Promise<void> {
    const address = origins.appUrl()
    const served = options.served()
    const proof = await proveOrigin(address, {
      prove: answer,
      timeoutMs: proofTimeoutMs,
      trust: isExternal ? trustOfProxy(served) : trustOfOurselves(served),
    })
    proven = proof.ok
    if (proof.ok) warned = undefined
    else if (!isExternal) throw unproven(address, proof.reason)
    else if (proof.reason !== warned) {
      warned = proof.reason
      options.onEvent({ event: 'warning', ...unreachable(config, address, proof.reason) })
    }
  }

  const stop = isExternal
    ? systemClock.every(proofRetryMs, () => {
        if (!proven) void prove()
      })
    : () => {}
  return {
    isProven: () => proven,
    prove,
    /** What only this process answers to a challenge. */
    answer,
    close: stop,
  }
}

/** The certificate that was loaded proves the listener, whoever signed it and for whatever names. */
function trustOfOurselves(served: ServedCertificate | undefined) {
  const certificates = [served, served?.forAddresses].flatMap((pair) => pair?.cert ?? [])
  return served ? { pinned: certificates } : {}
}

/** A proxy of the user may show a public certificate, or one that our authority signed. */
function trustOfProxy(served: ServedCertificate | undefined) {
  const ca = served?.caCertPem
  return ca === undefined ? {} : { ca: [...getCACertificates('default'), ca] }
}

function unproven(address: string, reason: string): UserError {
  return new UserError('ADDRESS_UNPROVEN', `${address} does not lead to this gateway: ${reason}.`, {
    hint: 'Check that HOST is reachable from this machine and that no other program answers there.',
  })
}

function unreachable(config: ResolvedConfig, address: string, reason: string) {
  return {
    code: 'APP_URL_UNREACHABLE',
    message: `${address} does not lead to this gateway yet: ${reason}.`,
    hint: `Point your tunnel or proxy at port ${config.listen.httpPort} of this machine; it is tried again every 15 s.`,
  }
}
