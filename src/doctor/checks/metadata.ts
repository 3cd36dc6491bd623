import { oauthPaths, oauthUrls } from '../../oauth/oauth-urls.ts'
import { isOtherNameOfLocalhost } from '../../origin/exposure.ts'
import { publicUrls } from '../../origin/public-urls.ts'
import { type Check, type Finding, fail, ok, warn } from '../check.ts'
import { jsonOf } from '../find-gateway.ts'
import { configOf, type DoctorWorld, runningGateway } from '../world.ts'

/** Whether every metadata document names the origin it was fetched from. */
export const metadata: Check = {
  id: 'metadata',
  title: 'Metadata',
  async run(world) {
    const running = runningGateway(world)
    if (!running) return []
    const origins = originsToAsk(running)
    const judged = await Promise.all(
      origins.flatMap((origin) => [
        judgeIssuer(origin, world),
        ...running.profiles.map((name) => judgeResource(origin, name, world)),
      ]),
    )
    const problems = judged.flat()
    return problems.length > 0
      ? problems
      : [ok('Every metadata document names the address it was fetched from.')]
  },
}

/** Each address once; loopback addresses are further names of localhost. */
function originsToAsk(running: {
  publicOrigin: string | undefined
  localOrigins: readonly string[]
}): string[] {
  const { publicOrigin, localOrigins } = running
  const local = localOrigins.filter((origin) => !isOtherNameOfLocalhost(origin, localOrigins))
  return publicOrigin === undefined ? local : [publicOrigin, ...local]
}

/** RFC 8414 section 3.3: the issuer equals the URL it was discovered by. */
async function judgeIssuer(origin: string, { ask }: DoctorWorld): Promise<Finding[]> {
  const url = origin + oauthPaths.authorizationServerMetadata
  const document = jsonOf(await ask(url))
  // An address that does not answer at all is another check's matter.
  if (!document) return []
  const { issuer } = oauthUrls(origin)
  const strangers = Object.entries(document)
    .filter(([name]) => name === 'issuer' || /_(endpoint|uri)$/.test(name))
    .filter(([name, value]) =>
      name === 'issuer' ? value !== issuer : !String(value).startsWith(`${issuer}/`),
    )
  return strangers.map(([name, value]) =>
    fail(
      `${url} names ${JSON.stringify(value)} as "${name}", which is not the address it was fetched from.`,
      forwardHost,
    ),
  )
}

/** RFC 9728 section 3.3: the resource equals the URL clients use. */
async function judgeResource(
  origin: string,
  profile: string,
  world: DoctorWorld,
): Promise<Finding[]> {
  const url = oauthUrls(origin).resourceMetadata(profile)
  const document = jsonOf(await world.ask(url))
  // A profile that asks for no token there has none.
  if (!document) return []
  const resource = publicUrls(origin).mcp(profile)
  const issuer = configOf(world)?.auth.issuer ?? oauthUrls(origin).issuer
  const servers = [document.authorization_servers].flat()
  return [
    ...(document.resource === resource
      ? []
      : [
          fail(
            `${url} names ${JSON.stringify(document.resource)} as its resource instead of ${resource}, so clients refuse it.`,
            forwardHost,
          ),
        ]),
    ...(servers.includes(issuer)
      ? []
      : [
          fail(
            `${url} names ${JSON.stringify(servers)} to log in at instead of ${issuer}.`,
            forwardHost,
          ),
        ]),
  ]
}

const forwardHost =
  'Let the proxy or tunnel pass the Host header and the documents on unchanged, and set APP_URL to the public address.'

/** Whether the MCP addresses answer where they are asked, with and without a slash at the end. */
export const httpRedirects: Check = {
  id: 'http-redirects',
  title: 'Metadata',
  async run(world) {
    const running = runningGateway(world)
    if (!running) return []
    const urls = originsToAsk(running).flatMap((origin) =>
      running.profiles.flatMap((profile) => {
        const url = publicUrls(origin).mcp(profile)
        return [url, `${url}/`]
      }),
    )
    const problems = (await Promise.all(urls.map((url) => judgeRedirect(url, world)))).flat()
    return problems.length > 0
      ? problems
      : [ok('No MCP address redirects, with or without a slash at its end.')]
  },
}

async function judgeRedirect(url: string, { ask }: DoctorWorld): Promise<Finding[]> {
  const answer = await ask(url)
  if (!answer.ok || answer.status < 300 || answer.status >= 400) return []
  const target = URL.parse(answer.header('location') ?? '', url)
  const where = target?.href ?? 'nowhere'
  if (url.startsWith('https:') && target?.protocol === 'http:') {
    return [
      fail(
        `${url} redirects to ${where}: a client would send its token over plain HTTP, or refuse to go on.`,
        'Let the proxy in front forward that path without a redirect, and keep https in what it says of itself.',
      ),
    ]
  }
  return [
    warn(
      `${url} redirects to ${where}; many clients do not follow a redirect with POST.`,
      'Let the proxy in front forward that path without a redirect.',
    ),
  ]
}
