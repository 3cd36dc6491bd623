import type { HttpServerConfig } from '../../config/resolved-config.ts'
import { UserError } from '../../errors.ts'
import { shellQuote } from '../../lib/shell.ts'
import { exposureOfOrigin } from '../../origin/exposure.ts'
import { findExpiring } from '../../tls/upstream/bundle-expiry.ts'
import type { UpstreamDiagnosis } from '../../tls/upstream/diagnose-upstream.ts'
import {
  type BundleReader,
  diagnoseServer,
  readUpstreamBundles,
} from '../../tls/upstream/open-upstream-bundles.ts'
import { addCommand, isUnreached } from '../../tls/upstream/tls-failures.ts'
import { type Check, type Finding, fail, ok, warn } from '../check.ts'
import { configOf, type DoctorWorld, namePath, runningGateway } from '../world.ts'

const connectMs = 3_000

/** Whether each server over https verifies with what is kept for it and the roots of the system. */
export const upstreamTrust: Check = {
  id: 'upstream-trust',
  title: 'Certificates of servers',
  // A port that speaks no TLS is asked for HTTP after it.
  deadlineMs: 6_500,
  async run(world) {
    const config = configOf(world)
    const servers = Object.values(config?.servers ?? {}).filter(isHttps)
    if (!config || servers.length === 0) return []
    const exposed = isExposed(world)
    const configFile = namePath(config.configFile, world)
    const judged = await readUpstreamBundles(config, (bundles) =>
      Promise.all(servers.map((server) => judge(server, { bundles, exposed, configFile }))),
    )
    return judged.flat()
  },
}

function isHttps(server: { type: string; url?: string }): server is HttpServerConfig {
  return server.url !== undefined && new URL(server.url).protocol === 'https:'
}

/** Whether somebody beyond this machine reaches the gateway that runs. */
function isExposed(world: DoctorWorld): boolean {
  const running = runningGateway(world)
  if (!running) return false
  return (
    running.publicOrigin !== undefined ||
    running.localOrigins.some((origin) => exposureOfOrigin(origin) !== 'loopback')
  )
}

async function judge(
  { name, url, tls }: HttpServerConfig,
  { bundles, exposed, configFile }: { bundles: BundleReader; exposed: boolean; configFile: string },
): Promise<Finding[]> {
  try {
    const diagnosis = await diagnoseServer({ name, url, timeoutMs: connectMs }, bundles)
    const bundle = await bundles.describe(name)
    const expiring = findExpiring(bundle ? [bundle] : [])
    return [
      ...(tls.insecureSkipVerify
        ? [unchecked(diagnosis, { exposed, configFile })]
        : explain(diagnosis)),
      ...expiring.map(({ message, command }) => warn(message, command)),
    ]
  } catch (error) {
    if (error instanceof UserError) return [unreadable(name, error)]
    throw error
  }
}

/** What is kept for a server, and must not be used. */
function unreadable(server: string, { code, message, hint }: UserError): Finding {
  const replace = `pnpm sallyport ca add ${shellQuote(server)} --replace <files>`
  return fail(message, code === 'CA_BUNDLE_REFUSED' ? replace : (hint ?? replace))
}

function unchecked(
  { server, url, verifies }: UpstreamDiagnosis,
  { exposed, configFile }: { exposed: boolean; configFile: string },
): Finding {
  const { host } = new URL(url)
  const message = `The certificate of server "${server}" is not checked ("insecureSkipVerify")`
  const fix = verifies
    ? `Take "insecureSkipVerify" of "${server}" out of ${configFile}: ${host} verifies.`
    : addCommand(server)
  return exposed
    ? fail(
        `${message}, and the gateway can be reached from beyond this machine, so the server is not connected to.`,
        fix,
      )
    : warn(`${message}: whoever answers at ${host} is taken for it.`, fix)
}

function explain({ server, url, verifies, findings, cautions }: UpstreamDiagnosis): Finding[] {
  if (verifies) {
    const warnings = cautions.map(({ message, fix }) => warn(`Server "${server}": ${message}`, fix))
    return [ok(`Server "${server}" shows a certificate that verifies.`), ...warnings]
  }
  return findings.map(({ kind, message, fix, command }) => {
    const say = isUnreached(kind) ? warn : fail
    return say(`Server "${server}" (${new URL(url).host}): ${message}`, command ?? fix)
  })
}
