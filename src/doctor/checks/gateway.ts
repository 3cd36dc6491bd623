import { join } from 'node:path'
import { findLeftovers } from '../../lib/process-ledger.ts'
import { listOf } from '../../lib/wording.ts'
import { type Check, type Finding, fail, ok, warn } from '../check.ts'
import type { DoctorWorld } from '../world.ts'

const correct = 'Correct the server, or what the profile shows of it.'

/** Whether the gateway of this folder runs, and what an earlier one left behind. */
export const gateway: Check = {
  id: 'gateway',
  title: 'Gateway',
  async run(world) {
    const problems = world.gateway.state === 'running' ? world.gateway.problems : []
    return [
      describe(world),
      ...problems.map((one) => warn(one, correct)),
      ...(await leftBehind(world)),
    ]
  },
}

function describe({ gateway: found, platform }: DoctorWorld): Finding {
  switch (found.state) {
    case 'absent':
      return ok('No gateway runs in this folder, so only what stands still was looked at.')
    case 'stale':
      return warn(
        'The gateway that ran in this folder did not end properly; the next start cleans up.',
        'pnpm dev:https',
      )
    case 'silent':
      return found.address === undefined
        ? warn(`The gateway (process ${found.pid}) is still starting.`, 'pnpm sallyport doctor')
        : fail(
            `The gateway (process ${found.pid}) runs but does not answer.`,
            platform === 'win32' ? `taskkill /PID ${found.pid} /T /F` : `kill -9 ${found.pid}`,
          )
    case 'running':
      return ok(
        `Sallyport ${found.version} runs at ${found.appUrl} (process ${found.pid}) with ${profiles(found.profiles)}.`,
      )
  }
}

function profiles(names: readonly string[]): string {
  return names.length === 1 ? `profile ${names[0]}` : `profiles ${listOf(names)}`
}

async function leftBehind(world: DoctorWorld): Promise<Finding[]> {
  if (world.gateway.state === 'running' || world.gateway.state === 'silent') return []
  const pids = await findLeftovers(join(world.home, 'processes.json'))
  if (pids.length === 0) return []
  const which = pids.length === 1 ? 'A process' : `${pids.length} processes`
  const text = `${which} of a gateway that was killed still ${pids.length === 1 ? 'runs' : 'run'} (${pids.join(', ')}); the next start ends what is left.`
  return [warn(text, 'pnpm dev:https')]
}
