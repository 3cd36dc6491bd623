import { connect } from 'node:net'
import { lookupWith, type ResolveHost } from './resolve-host.ts'

const standardPorts: Readonly<Record<string, number>> = { 'http:': 80, 'https:': 443 }

/** Creates the check whether something accepts TCP connections at a host and port. */
export function createCanConnect(
  resolveHost: ResolveHost,
): (place: URL, signal: AbortSignal) => Promise<boolean> {
  return (place, signal) =>
    new Promise((resolve) => {
      if (signal.aborted) return resolve(false)
      const socket = connect({
        host: place.hostname.replace(/^\[(.*)\]$/, '$1'),
        port: Number(place.port || (standardPorts[place.protocol] ?? 443)),
        lookup: lookupWith(resolveHost),
      })
      const settle = (connected: boolean) => {
        signal.removeEventListener('abort', onAbort)
        socket.destroy()
        resolve(connected)
      }
      const onAbort = () => settle(false)
      socket.once('connect', () => settle(true))
      socket.once('error', () => settle(false))
      signal.addEventListener('abort', onAbort, { once: true })
    })
}
