import { join } from 'node:path'
import type { ResolvedConfig } from '../../config/resolved-config.ts'
import { findCloudflared } from '../../tunnels/cloudflared-binary.ts'
import { type Check, type Finding, fail, ok } from '../check.ts'
import { configOf } from '../config-of.ts'

/** Whether the tunnels that are configured exist, and the programs they need. */
export const tunnelPrograms: Check = {
  id: 'tunnel-programs',
  title: 'Tunnel',
  async run(world) {
    const config = configOf(world)
    if (!config) return []
    const findings: Finding[] = [ok(describe(config))]
    if (!config.tunnels.order.includes('cloudflare')) return findings
    const found = await findCloudflared({
      bin: config.tunnels.cloudflare.binary,
      searchPath: config.environment.PATH ?? '',
      installDir: join(config.home, 'bin'),
    })
    if (found.ok) return [...findings, ok('cloudflared is installed.')]
    const isMissing = config.tunnels.cloudflare.binary === undefined
    const fix = isMissing ? 'pnpm sallyport cloudflared install' : found.hint
    return [...findings, fail(found.message, fix)]
  },
}

function describe({ tunnel, appUrl, tunnels: { order } }: ResolvedConfig): string {
  if (tunnel === 'none') return 'No tunnel and no HTTPS: TUNNEL is none.'
  if (appUrl !== undefined) return 'The address is APP_URL, which something of yours forwards here.'
  return order[0] === 'local'
    ? 'A start opens no tunnel: local HTTPS is the address.'
    : `A start tries ${order.join(', then ')}.`
}
