import { publicUrls } from '../../origin/public-urls.ts'
import { type Check, type Finding, fail, ok, warn } from '../check.ts'
import { runningGateway } from '../config-of.ts'
import type { DoctorWorld } from '../world.ts'
import { originsToAsk } from './metadata.ts'

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
    const problems = (await Promise.all(urls.map((url) => judge(url, world)))).flat()
    return problems.length > 0
      ? problems
      : [ok('No MCP address redirects, with or without a slash at its end.')]
  },
}

async function judge(url: string, { ask }: DoctorWorld): Promise<Finding[]> {
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
