import { type Check, type Finding, ok, warn } from '../check.ts'
import { configOf, runningGateway } from '../config-of.ts'
import { healthOf } from '../find-gateway.ts'
import type { DoctorWorld } from '../world.ts'

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
