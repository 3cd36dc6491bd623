import { randomBytes } from 'node:crypto'
import { publicUrls } from '../../origin/public-urls.ts'
import { jsonOf } from '../ask.ts'
import { type Check, type Finding, fail, ok } from '../check.ts'
import { runningGateway } from '../config-of.ts'
import { healthOf } from '../find-gateway.ts'
import type { Answer, DoctorWorld, RunningGateway } from '../world.ts'

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

function describe(answer: Answer): string {
  if (!answer.ok) return answer.reason
  return answer.status === 200
    ? 'something else answers there'
    : `it answered HTTP ${answer.status}`
}
