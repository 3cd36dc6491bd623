import type { LockView } from '../config/instance-lock.ts'
import { messageOf } from '../errors.ts'
import { settlesWithin } from '../lib/clock.ts'
import { type HttpSender, readText } from '../lib/http-sender.ts'
import { exposureOfOrigin } from '../origin/exposure.ts'

/** The gateway of this folder. */
export type GatewayView =
  | { readonly state: 'absent' }
  /** Its lock is there, but it is not. */
  | { readonly state: 'stale' }
  /** It runs, and does not answer. */
  | { readonly state: 'silent'; readonly pid: number; readonly address: string | undefined }
  | RunningGateway

export interface RunningGateway {
  readonly state: 'running'
  readonly pid: number
  readonly version: string
  /** The address everything is derived from. */
  readonly appUrl: string
  /** `appUrl` when it leads here from elsewhere. */
  readonly publicOrigin: string | undefined
  /** Origins of its own listeners, the one to show first. */
  readonly localOrigins: readonly string[]
  /** The local origin that answers what concerns the owner alone. */
  readonly ownerOrigin: string
  readonly profiles: readonly string[]
  /** What it says is wrong with what they show. */
  readonly problems: readonly string[]
}

interface AskOptions {
  readonly method?: 'GET' | 'POST'
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
  /** Longest time, ms. */
  readonly timeoutMs?: number
}

export type Reply =
  | {
      readonly ok: true
      readonly status: number
      header(name: string): string | undefined
      /** At most 64 KB of it. */
      readonly text: string
    }
  | { readonly ok: false; readonly code: string; readonly reason: string }

/** Sends one request, follows no redirect, and trusts what programs trust by default and our authority. */
export type Ask = (url: string, request?: AskOptions) => Promise<Reply>

/**
 * Finds the gateway that holds a folder's lock, and asks it what it serves. One that listens beyond
 * this machine does not list its profiles; then `configured` stands for them. Never rejects.
 */
export async function findGateway(
  lock: LockView,
  { ask, configured }: { ask: Ask; configured: readonly string[] },
): Promise<GatewayView> {
  if (lock.state !== 'held') return lock
  const { pid, address } = lock
  const silent = { state: 'silent', pid, address } as const
  if (address === undefined) return silent
  const publicOrigin = publicOriginOf(address, lock.origins)
  const localOrigins = lock.origins.filter((origin) => origin !== publicOrigin)
  const asked = await Promise.all(
    localOrigins.map(async (origin) => {
      const [health, profiles] = await Promise.all([healthOf(origin, ask), profilesOf(origin, ask)])
      return { origin, health, profiles }
    }),
  )
  const answering = asked.filter(({ health }) => health !== undefined)
  const best = answering.find(({ profiles }) => profiles !== undefined) ?? answering[0]
  if (!best?.health) return silent
  return {
    state: 'running',
    pid,
    version: best.health.version,
    appUrl: address,
    publicOrigin,
    localOrigins,
    ownerOrigin: best.origin,
    profiles: best.profiles?.map(({ name }) => name) ?? configured,
    problems: [...new Set(best.profiles?.flatMap(({ problems }) => problems))],
  }
}

/**
 * The address when it is not one of the gateway's own listeners: those have several names, all on
 * the same port.
 * @internal
 */
export function publicOriginOf(address: string, origins: readonly string[]): string | undefined {
  const { protocol, port } = new URL(address)
  const isOwn = origins.some((origin) => {
    const other = new URL(origin)
    return origin !== address && other.protocol === protocol && other.port === port
  })
  return isOwn || exposureOfOrigin(address) === 'network' ? undefined : address
}

/** What `/health` of a Sallyport gateway says; undefined when something else answers, or nothing. */
export async function healthOf(origin: string, ask: Ask): Promise<{ version: string } | undefined> {
  const health = jsonOf(await ask(`${origin}/health`))
  const isOurs = typeof health?.version === 'string' && typeof health.uptimeSeconds === 'number'
  return isOurs ? { version: String(health.version) } : undefined
}

async function profilesOf(
  origin: string,
  ask: Ask,
): Promise<{ name: string; problems: string[] }[] | undefined> {
  const answer = jsonOf(await ask(`${origin}/api/profiles`))
  if (!Array.isArray(answer?.profiles)) return undefined
  return answer.profiles.map((profile: { name?: unknown; problems?: unknown }) => ({
    name: String(profile.name),
    problems: Array.isArray(profile.problems) ? profile.problems.map(String) : [],
  }))
}

/**
 * Sends one request and reads the answer; a failure is an answer too. Never rejects. One that takes
 * too long is left alone until the sender closes: a gateway takes whoever hangs up in the middle of
 * the handshake for a client that refuses its certificate.
 */
export async function ask(
  sender: HttpSender,
  url: string,
  { timeoutMs, ...request }: AskOptions & { timeoutMs: number },
): Promise<Reply> {
  const answered = answerTo(sender, url, request)
  if (await settlesWithin(answered, timeoutMs)) return answered
  return { ok: false, code: 'ETIMEDOUT', reason: `no answer within ${timeoutMs / 1000} s` }
}

async function answerTo(sender: HttpSender, url: string, request: AskOptions): Promise<Reply> {
  try {
    const answer = await sender.send(url, request)
    const text = await readText(answer)
    return { ok: true, status: answer.status, header: answer.header, text }
  } catch (error) {
    const { code = 'ERROR' } = error as NodeJS.ErrnoException
    return { ok: false, code, reason: messageOf(error) || code }
  }
}

/** The JSON object an answer holds; undefined when it is something else. */
export function jsonOf(answer: Reply): Readonly<Record<string, unknown>> | undefined {
  if (!answer.ok || answer.status !== 200) return undefined
  try {
    const value: unknown = JSON.parse(answer.text)
    return typeof value === 'object' && value !== null ? { ...value } : undefined
  } catch {
    // A page of somebody else's, say.
    return undefined
  }
}
