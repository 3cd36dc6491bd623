import { dirname } from 'node:path'
import type { StoreCommand, StoreKind, TrustedAuthority } from './trust-store.ts'

/**
 * mkcert's way to install an authority: it takes `rootCA.pem` from the folder CAROOT, and needs no
 * key there. It asks for root by itself.
 */
export function mkcertInstall(
  mkcert: string,
  options: { authority: TrustedAuthority; kinds: readonly StoreKind[] },
): StoreCommand {
  const env = { CAROOT: dirname(options.authority.file), TRUST_STORES: options.kinds.join(',') }
  return { argv: [mkcert, '-install'], asRoot: false, env }
}
