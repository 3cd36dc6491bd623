import { resolve } from 'node:path'
import dotenv from 'dotenv'
import { parseAppUrl } from '../../config/app-url.ts'
import { appUrlJournalFile, readAppUrlJournal } from '../../config/app-url-files.ts'
import { isLoopbackHost } from '../../lib/hosts.ts'
import { listOf } from '../../lib/wording.ts'
import { type Check, type Finding, fail, ok, warn } from '../check.ts'
import { configOf, type DoctorWorld, namePath, runningGateway } from '../world.ts'

/** Where APP_URL stands, and what it says there. */
interface Place {
  /** `.env`, or `the environment`. */
  readonly name: string
  readonly value: string
}

/** Whether APP_URL is what everything that reads it needs, in every place it stands in. */
export const appUrl: Check = {
  id: 'app-url',
  title: 'APP_URL',
  async run(world) {
    const { configuration } = world
    const places = await findPlaces(world)
    const refused = !configuration.ok && configuration.error.code === 'APP_URL_INVALID'
    const findings = [
      ...places.flatMap(judgeShape),
      ...(await findLeftover(world)),
      ...judgeAgreement(places, world),
    ]
    if (refused && !findings.some(({ state }) => state === 'fail')) {
      findings.unshift(fail(configuration.error.message, configuration.error.hint ?? ''))
    }
    return findings.length > 0 ? findings : [summarize(places, world)]
  },
}

async function findPlaces(world: DoctorWorld): Promise<Place[]> {
  const fallback = [resolve(world.projectDir, '.env')]
  const files = configOf(world)?.appUrlFiles ?? fallback
  const read = files.map(async (path): Promise<Place[]> => {
    const value = dotenv.parse((await world.readText(path)) ?? '').APP_URL
    return value ? [{ name: namePath(path, world), value }] : []
  })
  const inFiles = (await Promise.all(read)).flat()
  const value = world.settings.environment.APP_URL
  return value ? [{ name: 'the environment', value }, ...inFiles] : inFiles
}

/** What is wrong with one value, whatever the others are. */
function judgeShape(place: Place): Finding[] {
  const { name, value } = place
  const verdict = parseAppUrl(value)
  const start = `APP_URL in ${name}`
  if (!verdict.ok) {
    return [fail(`${start} cannot be used: it ${verdict.message}.`, setTo(place, originOf(value)))]
  }
  const { origin, protocol, hostname } = verdict.url
  if (value.endsWith('/')) {
    const text = `${start} ends with a slash, so a program that appends a path to it asks for "//…".`
    return [warn(text, setTo(place, origin))]
  }
  if (protocol === 'https:' || isLoopbackHost(hostname)) return []
  const text = `${start} starts with http:// but is not on this machine; OAuth clients refuse such an address.`
  return [warn(text, setTo(place, origin.replace(/^http:/, 'https:')))]
}

function originOf(value: string): string {
  const url = URL.parse(value)
  return url && url.origin !== 'null' ? url.origin : 'https://mcp.example.com'
}

function setTo({ name }: Place, origin: string): string {
  return name === 'the environment'
    ? `export APP_URL=${origin}`
    : `Write APP_URL=${origin} in ${name}.`
}

/** A run that was killed leaves its address in the files until the next start. */
async function findLeftover(world: DoctorWorld): Promise<Finding[]> {
  if (world.gateway.state === 'running' || world.gateway.state === 'silent') return []
  const journal = await readAppUrlJournal(appUrlJournalFile(world.home))
  if (!journal) return []
  const files = journal.files.map(({ path }) => namePath(path, world))
  const text = `APP_URL in ${listOf(files)} is what a gateway wrote that did not end properly; the next start puts it back.`
  return [warn(text, 'pnpm dev:https')]
}

function judgeAgreement(places: readonly Place[], world: DoctorWorld): Finding[] {
  const running = runningGateway(world)
  if (running) {
    return places
      .filter(({ value }) => value !== running.appUrl && parseAppUrl(value).ok)
      .map(({ name, value }) =>
        warn(
          `APP_URL in ${name} is ${value}, but the gateway is at ${running.appUrl}.`,
          setTo({ name, value }, running.appUrl),
        ),
      )
  }
  const [first, ...others] = places
  const different = others.find(({ value }) => originOf(value) !== originOf(first?.value ?? ''))
  if (!first || !different) return []
  const text = `APP_URL is ${first.value} in ${first.name}, but ${different.value} in ${different.name}.`
  return [warn(text, setTo(different, originOf(first.value)))]
}

function summarize(places: readonly Place[], world: DoctorWorld): Finding {
  const [first] = places
  if (!first) return ok('APP_URL is not set; the gateway sets it while it runs.')
  const names = listOf(places.map(({ name }) => name))
  const isPlaceholder = !runningGateway(world) && configOf(world)?.appUrl === undefined
  const note = isPlaceholder ? ', until the gateway runs and rewrites it' : ''
  return ok(`APP_URL is ${first.value} in ${names}${note}.`)
}
