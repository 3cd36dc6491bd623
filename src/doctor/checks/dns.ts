import { isIP } from 'node:net'
import { isLoopbackHost } from '../../lib/hosts.ts'
import { listOf } from '../../lib/wording.ts'
import { type Check, type Finding, fail, ok, warn } from '../check.ts'
import { type DoctorWorld, publicOriginIn, runningGateway } from '../world.ts'

/** Whether this machine's resolver knows the names that are used. */
export const dns: Check = {
  id: 'dns',
  title: 'Names',
  async run(world) {
    const origin = publicOriginIn(world)
    const host = origin === undefined ? undefined : new URL(origin).hostname
    const isName = host !== undefined && !isLoopbackHost(host) && isIP(host) === 0
    return Promise.all([judgeLocalhost(world), ...(isName ? [judgePublic(host, world)] : [])])
  },
}

async function judgeLocalhost({ lookup, platform }: DoctorWorld): Promise<Finding> {
  const addresses = await lookup('localhost').catch((): readonly string[] => [])
  const elsewhere = addresses.filter((address) => address !== '::1' && !address.startsWith('127.'))
  if (addresses.length > 0 && elsewhere.length === 0) {
    return ok(`localhost is ${listOf(addresses)}.`)
  }
  const file = platform === 'win32' ? 'C:\\Windows\\System32\\drivers\\etc\\hosts' : '/etc/hosts'
  const text =
    addresses.length === 0
      ? 'localhost has no address on this machine.'
      : `localhost leads to ${listOf(elsewhere)}, which is not this machine.`
  return fail(text, `Write the line "127.0.0.1 localhost" in ${file}.`)
}

async function judgePublic(host: string, world: DoctorWorld): Promise<Finding> {
  try {
    const addresses = await world.lookup(host)
    return ok(`${host} is ${listOf(addresses)}.`)
  } catch (error) {
    const { code = 'ERROR' } = error as NodeJS.ErrnoException
    const isAbsent = code === 'ENOTFOUND'
    if (!isAbsent) {
      const text = `This machine's resolver does not answer for ${host} (${code}).`
      return warn(text, 'Look at the network, and at the DNS server this machine uses.')
    }
    // A tunnel's name is new; whoever asked too early remembers for a while that it was not there.
    return runningGateway(world)
      ? warn(
          `This machine's resolver says that ${host} does not exist; it may remember that from before the tunnel was opened.`,
          flushCommand(world.platform),
        )
      : fail(
          `${host}, the host of APP_URL, has no address in DNS.`,
          'Correct APP_URL, or make a DNS record for that name.',
        )
  }
}

function flushCommand(platform: NodeJS.Platform): string {
  if (platform === 'win32') return 'ipconfig /flushdns'
  return platform === 'darwin'
    ? 'sudo dscacheutil -flushcache && sudo killall -HUP mDNSResponder'
    : 'resolvectl flush-caches'
}
