import { join } from 'node:path'
import { findLeftovers } from '../../lib/process-ledger.ts'
import { listOf } from '../../lib/wording.ts'
import { type Check, type Finding, fail, ok, warn } from '../check.ts'
import { healthOf } from '../find-gateway.ts'
import { configOf, type DoctorWorld, runningGateway } from '../world.ts'

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

interface Port {
  readonly setting: 'PORT' | 'HTTPS_PORT'
  readonly scheme: 'http' | 'https'
  readonly number: number
}

/** Whether the configured ports are free, ours, or somebody else's. */
export const ports: Check = {
  id: 'ports',
  title: 'Ports',
  async run(world) {
    const config = configOf(world)
    if (!config) return []
    const { httpPort, httpsPort } = config.listen
    const withHttps = config.https && config.tunnel !== 'none'
    const wanted: Port[] = [
      ...(withHttps
        ? [{ setting: 'HTTPS_PORT', scheme: 'https', number: httpsPort } as const]
        : []),
      { setting: 'PORT', scheme: 'http', number: httpPort },
    ]
    const fixed = wanted.filter(({ number }) => number !== 0)
    return Promise.all(fixed.map((port) => judge(port, world)))
  },
}

async function judge(port: Port, world: DoctorWorld): Promise<Finding> {
  const { setting, scheme, number } = port
  const running = runningGateway(world)
  const isOurs = running?.localOrigins.some((origin) => isAt(origin, port))
  if (isOurs) return ok(`Port ${number} (${setting}) is the gateway's.`)
  if (!(await world.isListening(number))) {
    return ok(`Port ${number} (${setting}) is free.`)
  }
  const [holder, other, free] = await Promise.all([
    world.portHolder(number),
    healthOf(`${scheme}://localhost:${number}`, world.ask),
    nextFree(number, world),
  ])
  const who = other
    ? `another Sallyport gateway${holder ? `, ${holder}` : ''}`
    : (holder ?? 'another program')
  const then = running ? 'so the gateway uses another' : 'so the gateway would use another'
  return warn(
    `Port ${number} (${setting}) is taken by ${who}, ${then}.`,
    `${setting}=${free} pnpm dev:https`,
  )
}

function isAt(origin: string, { scheme, number }: Port): boolean {
  const { protocol, port } = new URL(origin)
  const standard = protocol === 'https:' ? 443 : 80
  return protocol === `${scheme}:` && Number(port || standard) === number
}

async function nextFree(taken: number, { isListening }: DoctorWorld): Promise<number> {
  for (let port = taken + 1; port < Math.min(taken + 20, 65_535); port++) {
    if (!(await isListening(port))) return port
  }
  return 0
}
