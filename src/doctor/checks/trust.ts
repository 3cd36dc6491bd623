import { once } from 'node:events'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { listOf } from '../../lib/wording.ts'
import type { LocalFiles } from '../../tls/local-files.ts'
import { createServerContexts } from '../../tls/served-certificate.ts'
import { type Check, type Finding, ok, warn } from '../check.ts'
import { type Runtime, runtimes, type TrustTrial, type TrustVerdict } from '../runtimes.ts'
import { configOf, type DoctorWorld, environmentCommand, localFilesOf } from '../world.ts'

interface Tried {
  readonly name: string
  readonly verdict: TrustVerdict
}

/** Which programs of this machine, in the environment of now, trust the local https address. */
export const programTrust: Check = {
  id: 'trust',
  title: 'Trust',
  deadlineMs: 9_000,
  async run(world) {
    const config = configOf(world)
    if (!config?.https || config.tunnel === 'none') return []
    const files = await localFilesOf(world)
    const authorityFingerprint = files.authority?.fingerprint256
    const tryAll = (origin: string) =>
      Promise.all(
        runtimes.map((runtime) =>
          tryOne(runtime, {
            world,
            trial: {
              url: `${origin}/health`,
              authorityFingerprint,
              environment: world.settings.environment,
            },
          }),
        ),
      )
    return summarize((await withLocalHttps(files, tryAll)) ?? [], world)
  },
}

async function tryOne(
  runtime: Runtime,
  { world, trial }: { world: DoctorWorld; trial: TrustTrial },
): Promise<Tried> {
  const { name, program, env } = runtime
  const options = { timeoutMs: 8_000, ...(env && { env }) }
  const result = await world.run(program, runtime.args(trial), options)
  if (result.state === 'missing') return { name, verdict: 'absent' }
  return { name, verdict: result.state === 'ended' ? runtime.judge(result, trial) : 'unknown' }
}

function summarize(tried: readonly Tried[], world: DoctorWorld): Finding[] {
  const names = (verdict: TrustVerdict) =>
    tried.filter((one) => one.verdict === verdict).map(({ name }) => name)
  const trusted = names('trusted')
  const refusing = names('untrusted').filter((name) => name !== 'Java')
  const java = names('untrusted').filter((name) => name === 'Java')
  const unknown = names('unknown')
  const fix = environmentCommand(world)
  const say = (subjects: readonly string[], verb: string) =>
    `${listOf(subjects)} ${subjects.length === 1 ? `${verb}s` : verb} the local certificate`
  return [
    ...(trusted.length > 0 ? [ok(`${say(trusted, 'trust')} as they are started from here.`)] : []),
    ...(refusing.length > 0
      ? [warn(`${say(refusing, 'refuse')} as they are started from here.`, fix)]
      : []),
    ...(java.length > 0
      ? [warn(`${say(java, 'refuse')}: our authority is not in its list.`, 'pnpm sallyport trust')]
      : []),
    ...(unknown.length > 0
      ? [
          warn(
            `Whether ${listOf(unknown)} would trust the local certificate could not be found out.`,
            'pnpm sallyport trust --status',
          ),
        ]
      : []),
  ]
}

/**
 * Shows the local certificate on a free port of this machine as long as `use` runs, so that whoever
 * refuses it is not told of by a gateway. Undefined when there is no certificate.
 */
async function withLocalHttps<T>(
  { leaf, addresses }: LocalFiles,
  use: (origin: string) => Promise<T>,
): Promise<T | undefined> {
  if (!leaf) return undefined
  const contexts = createServerContexts({ ...leaf, forAddresses: addresses })
  const server = createServer(contexts.options, (request, response) => {
    // Of a repository git would want more.
    response.statusCode = request.url?.includes('/info/refs') ? 404 : 200
    response.end('ok')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  try {
    return await use(`https://localhost:${(server.address() as AddressInfo).port}`)
  } finally {
    server.close()
    server.closeAllConnections()
  }
}
