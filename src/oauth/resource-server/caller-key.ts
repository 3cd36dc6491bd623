import type { Principal } from './access-control.ts'

/** One string per caller: equal for two requests when the same client calls for the same person. */
export function callerKey(principal: Principal): string {
  switch (principal.kind) {
    case 'anonymous':
      return 'anonymous'
    case 'key':
      return `key ${principal.keyId}`
    case 'token':
      return JSON.stringify([principal.issuer, principal.subject, principal.clientId])
  }
}
