import { closeSync, existsSync, openSync, writeSync } from 'node:fs'
import { resolve } from 'node:path'
import { EventSourceParserStream } from 'eventsource-parser/stream'
import { messageOf, UserError } from '../../errors.ts'
import { readAdminAddress } from '../../http/admin/admin-address.ts'
import { adminCookieHeader, createAdminSessions } from '../../http/admin/session.ts'
import { createFileAtomic } from '../../lib/atomic-file.ts'
import { readVersion } from '../../lib/version.ts'
import { publicUrls } from '../../origin/public-urls.ts'
import type { TrafficEntry } from '../../traffic/entry.ts'
import { harOf } from '../../traffic/har.ts'
import { recordingHeader, recordingLine } from '../../traffic/recording.ts'
import type { Output, World } from '../output.ts'
import { formatEntry } from '../ui/traffic.ts'
import { ownersOrigin } from './running-gateway.ts'
import { withStore } from './with-store.ts'

export interface TrafficFlags {
  readonly follow?: true
  readonly profile?: string
  readonly server?: string
  readonly method?: string
  readonly grep?: string
  readonly errors?: true
  readonly verbose?: true
  readonly record?: string
  readonly har?: string
}

/**
 * Shows what is kept of what passed, or what passes from now on, until it is interrupted or the gateway
 * stops.
 * @throws UserError USAGE when no gateway runs here, or a file is there already
 */
export function traffic(flags: TrafficFlags, { output, process }: World): Promise<number> {
  const inFolder = (file: string | undefined) =>
    file === undefined ? undefined : resolve(process.cwd(), file)
  const files = { record: inFolder(flags.record), har: inFolder(flags.har) }
  return withStore({ process }, async ({ store }) => {
    const origin = await ownersOrigin(await readAdminAddress(store))
    const keeper = openKeeper(files, (profile) => publicUrls(origin).mcp(profile))
    const session = await createAdminSessions({ store, now: Date.now }).open()
    const interrupted = new AbortController()
    const interrupt = () => interrupted.abort()
    process.once('SIGINT', interrupt).once('SIGTERM', interrupt)
    try {
      const source = {
        url: `${origin}/api/console/traffic?${queryOf(flags)}`,
        cookie: adminCookieHeader(origin, session.cookie),
        signal: interrupted.signal,
      }
      const show = (entry: TrafficEntry) => {
        // What was shown is not lost, whatever ends this program.
        keeper.keep(entry)
        const { stdout: screen } = output
        output.answer(formatEntry(entry, { screen, verbose: flags.verbose ?? false }))
        output.data(entry)
      }
      if (flags.follow) await follow(source, { output, show })
      else await showKept(source, { output, show })
    } finally {
      process.off('SIGINT', interrupt).off('SIGTERM', interrupt)
      await keeper.close()
      await session.end()
    }
    return 0
  })
}

interface Source {
  readonly url: string
  readonly cookie: string
  readonly signal: AbortSignal
}
interface Showing {
  readonly output: Output
  readonly show: (entry: TrafficEntry) => void
}

function queryOf(flags: TrafficFlags): string {
  const { follow, errors, profile, server, method, grep } = flags
  const all = { profile, server, method, grep, errors: errors && '1', follow: follow && '1' }
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries(all)) if (value) query.set(name, value)
  return String(query)
}

async function showKept(source: Source, { output, show }: Showing): Promise<void> {
  const { entries } = (await (await request(source)).json()) as { entries: TrafficEntry[] }
  for (const entry of entries) show(entry)
  if (entries.length > 0) return
  output.talk([
    ...output.stderr.prose('Nothing of that is kept: only what passes while somebody watches is.'),
    ...output.stderr.prose('Follow it with `pnpm sallyport traffic -f`.'),
  ])
}

async function follow(source: Source, { output, show }: Showing): Promise<void> {
  const { body } = await request(source)
  if (!body) return
  output.talk(output.stderr.prose('Watching what passes. Ctrl-C ends it.'))
  const events = body
    .pipeThrough(new TextDecoderStream())
    .pipeThrough(new EventSourceParserStream())
  try {
    for await (const { event, data } of events) {
      if (event === 'entry') show(JSON.parse(data) as TrafficEntry)
      else if (event === 'lost') tellLost(output, JSON.parse(data) as { count: number })
    }
  } catch (error) {
    if (source.signal.aborted) return
    // What fetch makes of a connection that breaks, which is how a gateway ends it.
    if (!(error instanceof TypeError)) throw error
  }
  output.talk(output.stderr.prose('The gateway has stopped.'))
}

function tellLost(output: Output, { count }: { count: number }): void {
  const what = count === 1 ? 'entry was' : 'entries were'
  output.talk(output.stderr.prose(`${count} ${what} left out, as more passed than could be shown.`))
}

async function request({ url, cookie, signal }: Source): Promise<Response> {
  const response = await fetch(url, { headers: { cookie }, signal })
  if (response.ok) return response
  const { error, hint } = (await response.json()) as { error: string; hint?: string }
  throw new UserError('USAGE', error, { ...(hint !== undefined && { hint }) })
}

/** Keeps what is shown in the files that were asked for; neither may be there already. */
function openKeeper(
  files: { readonly record: string | undefined; readonly har: string | undefined },
  urlOf: (profile: string) => string,
) {
  if (files.har !== undefined && existsSync(files.har)) throw isThere(files.har)
  const recording = files.record === undefined ? undefined : openNew(files.record)
  if (recording !== undefined) writeSync(recording, recordingHeader(Date.now()))
  const kept: TrafficEntry[] = []
  return {
    keep(entry: TrafficEntry): void {
      if (recording !== undefined) writeSync(recording, recordingLine(entry))
      if (files.har !== undefined) kept.push(entry)
    },
    async close(): Promise<void> {
      if (recording !== undefined) closeSync(recording)
      if (files.har === undefined) return
      const har = JSON.stringify(harOf(kept, { version: readVersion(), urlOf }), null, 2)
      if (!(await createFileAtomic(files.har, har, { mode: 0o600 }))) throw isThere(files.har)
    },
  }
}

function openNew(file: string): number {
  try {
    return openSync(file, 'wx', 0o600)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') throw isThere(file)
    throw new UserError('USAGE', `${file} cannot be written: ${messageOf(error)}.`, {
      hint: 'Give a file in a folder that is there and yours.',
    })
  }
}

function isThere(file: string): UserError {
  return new UserError('USAGE', `${file} is there already, and is not written over.`, {
    hint: 'Give another name, or move it away.',
  })
}
