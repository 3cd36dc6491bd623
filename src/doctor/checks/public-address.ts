import { randomBytes } from 'node:crypto'
import { publicUrls } from '../../origin/public-urls.ts'
import type { StreamFinding } from '../../tunnels/probe-verdict.ts'
import { type Check, type Finding, fail, ok, warn } from '../check.ts'
import { healthOf, jsonOf, type Reply, type RunningGateway } from '../find-gateway.ts'
import { type DoctorWorld, runningGateway } from '../world.ts'

/** Whether the public address leads to the gateway that says it has it. */
export const address: Check = {
  id: 'address',
  title: 'Public address',
  async run(world) {
    const running = runningGateway(world)
    if (running?.publicOrigin === undefined) return []
    return [await judge(running.publicOrigin, running, world)]
  },
}

/** Only one process knows the answer to a challenge, so the same answer means the same process. */
async function judge(
  origin: string,
  { ownerOrigin }: RunningGateway,
  { ask }: DoctorWorld,
): Promise<Finding> {
  const challenge = randomBytes(16).toString('hex')
  const [there, here] = await Promise.all([
    ask(publicUrls(origin).proof(challenge), { timeoutMs: 4_000 }),
    ask(publicUrls(ownerOrigin).proof(challenge)),
  ])
  const proof = jsonOf(here)?.proof
  if (proof !== undefined && jsonOf(there)?.proof === proof) return ok(`${origin} leads here.`)
  const isOther = there.ok && (await healthOf(origin, ask)) !== undefined
  const reason = isOther ? 'another Sallyport gateway answers there' : describe(there)
  return fail(
    `${origin} does not lead to this gateway: ${reason}.`,
    'Press r in the terminal of the gateway, which opens the tunnel again, or start `pnpm dev:https` again.',
  )
}

function describe(answer: Reply): string {
  if (!answer.ok) return answer.reason
  return answer.status === 200
    ? 'something else answers there'
    : `it answered HTTP ${answer.status}`
}

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
    return [judgeStream('POST', post), judgeStream('GET', get)]
  },
}

/**
 * @param method answers to calls stream over POST; what a server says by itself, over GET
 * @internal
 */
export function judgeStream(method: 'POST' | 'GET', result: StreamFinding): Finding {
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
