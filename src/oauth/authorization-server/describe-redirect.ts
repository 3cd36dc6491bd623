import { isLoopbackHost } from '../../lib/loopback.ts'

/**
 * Where an answer goes, in words for the person who has to judge it: `this` browser is the one they
 * look at, `that` one may be anywhere.
 */
export function describeRedirect(redirectUri: string, browser: 'this' | 'that'): string {
  const url = URL.parse(redirectUri)
  if (!url) return 'an unknown address'
  if (isLoopbackHost(url.hostname)) return `${url.host} (the computer of ${browser} browser)`
  if (url.protocol === 'https:') return url.host
  return `an application on the computer of ${browser} browser (${url.protocol})`
}
