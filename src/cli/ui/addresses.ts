export { needsCa, type Reach, reachOf } from '../../origin/reach.ts'

/** Whether an origin is a loopback address (127.0.0.1, ::1) of one that is listed as localhost. */
export function isOtherNameOfLocalhost(origin: string, origins: readonly string[]): boolean {
  const url = new URL(origin)
  if (!/^(127\.|\[::1\]$)/.test(url.hostname)) return false
  url.hostname = 'localhost'
  return origins.includes(url.origin)
}
