import { isIP } from 'node:net'
import { type Check, type Finding, ok, warn } from '../check.ts'
import { type ClientFile, type ClientFileEntry, clientFiles, ourEntries } from '../client-files.ts'
import { configOf, localFilesOf, namePath, runningGateway } from '../config-of.ts'
import { healthOf } from '../find-gateway.ts'
import type { DoctorWorld } from '../world.ts'

/** Whether what clients have in their files leads to something that is served now. */
export const clientConfiguration: Check = {
  id: 'client-configuration',
  title: 'Client configuration',
  async run(world) {
    const files = clientFiles(world.folders)
    const judged = files.map(async (file) => {
      const text = await world.readText(file.path)
      const entries = text === undefined ? [] : ourEntries(text, file)
      return Promise.all(entries.map((entry) => judge(entry, { file, world })))
    })
    return (await Promise.all(judged)).flat()
  },
}

async function judge(
  { name, url }: ClientFileEntry,
  { file, world }: { file: ClientFile; world: DoctorWorld },
): Promise<Finding> {
  const { origin, pathname } = new URL(url)
  const where = namePath(file.path, world)
  const fix = `pnpm sallyport client ${file.client} --write`
  const running = runningGateway(world)
  if (running && [running.appUrl, ...running.localOrigins].includes(origin)) {
    const profile = decodeURIComponent(/^\/api\/mcp\/([^/]+)/.exec(pathname)?.[1] ?? '')
    if (await isRefusedByBoringSsl(url, world)) {
      const text = `${where} leads "${name}" to ${origin}, where Claude Code, Bun and other programs on BoringSSL take no certificate of ours (UNSUPPORTED_CONSTRAINT_TYPE).`
      return warn(text, fix)
    }
    return running.profiles.includes(profile)
      ? ok(`${where} leads "${name}" to this gateway.`)
      : warn(`${where} leads "${name}" to ${url}, but there is no profile "${profile}".`, fix)
  }
  if (!running && isWhereItWillBe(origin, world)) {
    return ok(`${where} leads "${name}" to ${origin}, which is served once the gateway runs.`)
  }
  return (await healthOf(origin, world.ask))
    ? ok(`${where} leads "${name}" to another Sallyport gateway, at ${origin}.`)
    : warn(`${where} leads "${name}" to ${origin}, where no gateway answers now.`, fix)
}

/** Connections to addresses get a certificate that has them, of an authority that is constrained. */
async function isRefusedByBoringSsl(url: string, world: DoctorWorld): Promise<boolean> {
  const { protocol, hostname } = new URL(url)
  if (protocol !== 'https:' || isIP(hostname.replace(/^\[|\]$/g, '')) === 0) return false
  return (await localFilesOf(world)).addresses !== undefined
}

/** Whether the configuration says that the gateway will have this address. */
function isWhereItWillBe(origin: string, world: DoctorWorld): boolean {
  const config = configOf(world)
  if (!config) return false
  const { httpPort, httpsPort } = config.listen
  const own = [`https://localhost:${httpsPort}`, `http://localhost:${httpPort}`]
  return [...own, config.appUrl].includes(origin)
}
