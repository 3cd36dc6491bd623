import { jsonOf } from '../ask.ts'
import { type Check, type Finding, fail, ok, warn } from '../check.ts'
import { runningGateway } from '../config-of.ts'
import type { StreamResult } from '../world.ts'

/** Whether streams come through the public address as they are written, in both forms MCP uses. */
export const streaming: Check = {
  id: 'streaming',
  title: 'Public address',
  deadlineMs: 8_000,
  async run(world) {
    const running = runningGateway(world)
    const origin = running?.publicOrigin
    if (!running || origin === undefined) return []
    // An address that is dead holds everything back; another check says so.
    if (!(await world.ask(`${origin}/health`, { timeoutMs: 2_000 })).ok) return []
    const { ticket } =
      jsonOf(await world.ask(`${running.ownerOrigin}/api/probe/ticket`, { method: 'POST' })) ?? {}
    if (typeof ticket !== 'string') return []
    const [post, get] = await Promise.all([
      world.measureStream(origin, { method: 'POST', ticket }),
      world.measureStream(origin, { method: 'GET', ticket }),
    ])
    return [judge('POST', post), judge('GET', get)]
  },
}

/** @param method answers to calls stream over POST; what a server says by itself, over GET */
export function judge(method: 'POST' | 'GET', result: StreamResult): Finding {
  if (result.state === 'live') {
    return ok(`${method} streams arrive as they are written (${result.firstByteMs} ms).`)
  }
  if (result.state === 'failed') {
    return fail(
      `A ${method} stream through the public address failed: ${result.reason}.`,
      'pnpm dev:https --tunnel auto',
    )
  }
  return method === 'POST'
    ? fail(
        'POST streams are held back until they end, so clients see no progress and no questions.',
        'Choose another provider with TUNNEL, or turn buffering off in your proxy.',
      )
    : warn(
        'GET streams are held back until they end; the gateway answers them with 405, and clients ask over POST instead.',
        'Choose another provider with TUNNEL if a client needs them.',
      )
}
