import { reachOf } from '../origin/reach.ts'

/** Whether a service elsewhere can call an address: HTTPS, under a name that is not of this network. */
export function isPublicAddress(url: string): boolean {
  const { origin, protocol } = new URL(url)
  return protocol === 'https:' && reachOf(origin) === 'public'
}
