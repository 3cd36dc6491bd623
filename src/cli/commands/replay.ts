import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { Client } from '@modelcontextprotocol/client'
import picomatch from 'picomatch'
import * as z from 'zod'
import { messageOf, UserError } from '../../errors.ts'
import { compareAnswers } from '../../traffic/compare-answers.ts'
import type { CallEntry } from '../../traffic/entry.ts'
import { readRecording } from '../../traffic/recording.ts'
import { replacement } from '../../traffic/redact-body.ts'
import type { Output, World } from '../output.ts'
import { type ProfileFlags, withProfile } from '../profile-client.ts'
import { formatReplayed, type Replayed } from '../ui/traffic.ts'

export interface ReplayFlags extends ProfileFlags {
  /** The profile to ask; the recorded one unless given. */
  readonly against?: string
  /** A glob of what to ask for: the name of a tool, prompt or resource, or a method. */
  readonly only?: string
}

/** Results pass as they are. */
const anything = z.looseObject({})

/** What a client asks for by itself, whenever it connects. */
const handshakes: ReadonlySet<string> = new Set(['initialize', 'ping', 'server/discover'])

/**
 * Sends the calls of a recording again, one after the other, and shows what is answered otherwise; 1 when
 * anything is.
 * @throws UserError RECORDING_INVALID, or USAGE where there is nothing to send
 */
export async function replay(file: string, flags: ReplayFlags, world: World): Promise<number> {
  const path = resolve(world.process.cwd(), file)
  const calls = chosen(readRecording(await textOf(path), file), flags.only)
  const [first] = calls
  if (!first) {
    throw new UserError('USAGE', `${file} has no such call.`, {
      hint: 'See what it has with `--only "*"`, or without `--only`.',
    })
  }
  const profile = flags.against ?? first.profile
  return withProfile(profile, { flags, world }, async (client) => {
    const replayed: Replayed[] = []
    for (const call of calls) {
      const one = await sendAgain(client, call)
      replayed.push(one)
      show(one, world.output)
    }
    const differing = replayed.filter(({ outcome }) => outcome === 'differs').length
    const { output } = world
    output.talk(
      output.stderr.prose(`${replayed.length} sent again, ${differing} answered otherwise.`),
    )
    return differing === 0 ? 0 : 1
  })
}

function show(replayed: Replayed, output: Output): void {
  output.data(replayed)
  output.answer(formatReplayed(replayed, output.stdout))
}

async function textOf(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    throw new UserError('USAGE', `${path} cannot be read: ${messageOf(error)}.`, {
      hint: 'Make a recording with `pnpm sallyport traffic -f --record <file>`.',
    })
  }
}

function chosen(entries: ReturnType<typeof readRecording>, only: string | undefined): CallEntry[] {
  const matches = only === undefined ? () => true : picomatch(only)
  return entries.filter(
    (entry): entry is CallEntry =>
      entry.kind === 'call' &&
      !handshakes.has(entry.method) &&
      (matches(entry.method) || (entry.name !== undefined && matches(entry.name))),
  )
}

async function sendAgain(client: Client, call: CallEntry): Promise<Replayed> {
  const { method, name, request, answer } = call
  const leftOut = (why: string): Replayed => ({
    method,
    name,
    outcome: 'left-out',
    why,
    differences: [],
  })
  if (request.isCut) return leftOut('its request was too long to be kept whole')
  if (request.text.includes(replacement))
    return leftOut('its request holds a secret, which is not kept')
  if (!answer || answer.isCut) return leftOut('its answer was not kept whole')
  const after = await answerOf(client, call)
  const differences = compareAnswers(plain(JSON.parse(answer.text)), plain(after))
  return { method, name, outcome: differences.length === 0 ? 'same' : 'differs', differences }
}

/** Without what the revision of a client decides. */
function plain(answer: unknown): unknown {
  if (typeof answer !== 'object' || answer === null) return answer
  const { _meta, resultType, ttlMs, cacheScope, ...rest } = answer as Record<string, unknown>
  return rest
}

/** The result, or the error as it was answered. */
async function answerOf(client: Client, { method, request }: CallEntry): Promise<unknown> {
  const { params = {} } = JSON.parse(request.text) as { params?: { _meta?: object } }
  const { _meta, ...others } = params
  try {
    return await client.request({ method, params: others }, anything)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error)) throw error
    return {
      code: error.code,
      message: error.message,
      ...('data' in error && { data: error.data }),
    }
  }
}
