/** Host and port of a tunnel's target, an `http:` URL of this machine. */
export function addressOf(target: URL): { host: string; port: number } {
  if (target.protocol !== 'http:') throw new TypeError(`a tunnel leads to http:, not ${target}`)
  return { host: target.hostname.replace(/^\[(.*)\]$/, '$1'), port: Number(target.port || 80) }
}
