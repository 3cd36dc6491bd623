import { isLoopbackHost } from '../../lib/loopback.ts'

/** Where an answer goes, in words for the person who has to judge it. */
export function describeRedirect(redirectUri: string): string {
  const url = URL.parse(redirectUri)
  if (!url) return 'an unknown address'
  if (isLoopbackHost(url.hostname)) return `${url.host} (this computer)`
  if (url.protocol === 'https:') return url.host
  return `an application on this computer (${url.protocol})`
}
