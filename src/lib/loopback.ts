/** Whether an address, in its plain form, is of this machine. */
export function isLoopbackAddress(address: string): boolean {
  return address === '::1' || isLoopbackHost(address)
}

/** Whether a host name, as `URL.hostname` gives it, always means this machine. */
export function isLoopbackHost(hostname: string): boolean {
  return (
    hostname === 'localhost' ||
    hostname.endsWith('.localhost') ||
    hostname === '[::1]' ||
    /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(hostname)
  )
}
