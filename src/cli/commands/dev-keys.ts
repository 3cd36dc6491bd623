import type { ResolvedConfig } from '../../config/resolved-config.ts'
import { messageOf, UserError } from '../../errors.ts'
import { wantsTunnel } from '../../gateway/start-warnings.ts'
import type { Gateway } from '../../gateway.ts'
import type { ReadyEvent } from '../../gateway-events.ts'
import { printable } from '../../lib/printable.ts'
import { copyToClipboard } from '../clipboard.ts'
import { type KeyActions, listenToKeys } from '../keys.ts'
import { formatDoctor } from '../ui/doctor.ts'
import { formatFailure } from '../ui/failure.ts'

import type { Screen } from '../ui/screen.ts'
import { clientSnippet, formatQr } from '../ui/snippets.ts'
import { createApprovalKeys, type PendingApprovals } from './approvals.ts'
import type { DevWorld } from './dev-world.ts'

export interface DevKeysOptions {
  readonly world: Pick<DevWorld, 'input' | 'output' | 'platform' | 'now' | 'examine' | 'clients'>
  readonly config: ResolvedConfig
  readonly gateway: Gateway
  readonly approvals: PendingApprovals
  readonly onInterrupt: () => void
  readonly onBug: (error: unknown) => void
}

/** Makes the keys work until the result is called. */
export function listenToDevKeys(options: DevKeysOptions): () => void {
  const { world, gateway, onInterrupt, onBug } = options
  const { output } = world
  const reopen = createReopen(options)
  const opensTunnel = wantsTunnel(options.config)
  const examine = createExamine(options)
  const actions: KeyActions = {
    c: () => void copySnippet(options).catch(onBug),
    q() {
      const url = gateway.status().profiles[0]?.url ?? gateway.status().appUrl
      output.answer(['', ...formatQr(url, output.stdout), ''])
    },
    r: () => void reopen().catch(onBug),
    d: () => void examine().catch(onBug),
    ...createApprovalKeys({
      approvals: options.approvals,
      gateway,
      screen: output.stderr,
      print: output.talk,
      now: Date.now,
    }),
    '?': () => output.talk(formatKeyHelp(output.stderr, { opensTunnel })),
    '\r': () => output.talk(''),
    interrupt: onInterrupt,
    end: onInterrupt,
  }
  return listenToKeys(world.input, actions)
}

async function copySnippet({ world, gateway }: DevKeysOptions): Promise<void> {
  const { output, platform } = world
  const say = (text: string) => output.talk(output.stderr.prose(text))
  const snippet = clientSnippet(gateway.status(), world.clients?.chosen[0])
  if (!snippet) {
    say('There is no profile, so there is nothing to copy.')
    return
  }
  const result = await copyToClipboard(snippet.text, {
    platform,
    writeTerminal: (sequence) => output.sequence(sequence),
  })
  say(
    result.by === 'command'
      ? `Copied the ${snippet.place} snippet with ${result.command}.`
      : `Asked the terminal to copy the ${snippet.place} snippet; if it does not allow that, select it above.`,
  )
}

/** Runs the doctor, one at a time: a second press while it looks does nothing. */
function createExamine({ world, config }: DevKeysOptions): () => Promise<void> {
  const { output, examine } = world
  let working = false
  return async () => {
    if (working) return
    working = true
    output.progress('Looking')
    try {
      const report = await examine(config)
      output.progress(undefined)
      output.answer(formatDoctor(report, output.stdout))
    } finally {
      output.progress(undefined)
      working = false
    }
  }
}

/** Reopens, one at a time: a second press while it works does nothing. */
function createReopen({ world, gateway }: DevKeysOptions): () => Promise<void> {
  const { output, now } = world
  let working = false
  return async () => {
    if (working) return
    working = true
    const startedAt = now()
    output.progress('Reopening')
    try {
      const outcome = await gateway.reopen()
      output.progress(undefined)
      if (outcome === 'closed') return
      const ms = Math.round(now() - startedAt)
      for (const sentence of describeReopened(outcome, { ready: gateway.status(), ms })) {
        output.talk(output.stderr.prose(printable(sentence)))
      }
    } catch (error) {
      output.progress(undefined)
      if (!(error instanceof UserError)) throw error
      output.talk(formatFailure(error, output.stderr))
      output.event({ event: 'error', code: error.code, message: messageOf(error) })
    } finally {
      working = false
    }
  }
}

function describeReopened(
  outcome: 'open' | 'waiting',
  { ready, ms }: { ready: ReadyEvent; ms: number },
): string[] {
  const servers = ready.profiles.flatMap((profile) => profile.servers)
  const failed = new Map(
    servers.flatMap(({ name, state, error }) => (state === 'failed' ? [[name, error]] : [])),
  )
  const done =
    outcome === 'waiting'
      ? `Restarted the servers in ${ms} ms; the tunnel is not open yet, and is tried again.`
      : `${failed.size > 0 ? 'Reopened what works' : 'Reopened'} in ${ms} ms.`
  return [done, ...[...failed].map(([name, error]) => `Server "${name}" still fails: ${error}`)]
}

/**
 * What each key does, in a sentence.
 * @internal
 */
export function formatKeyHelp(
  { style }: Screen,
  { opensTunnel }: { opensTunnel: boolean },
): string[] {
  const reopens = opensTunnel
    ? 'restarts the servers and opens the tunnel anew: its address may change'
    : 'restarts the servers and proves the address again'
  const keys = [
    ['c', 'copies the snippet to the clipboard'],
    ['q', 'shows the MCP address as a QR code'],
    ['r', reopens],
    ['d', 'looks for what is wrong, and says what fixes it'],
    ['y, n', 'allows or refuses a client; y only one that asks from this machine'],
    ['w', 'shows the clients that wait, with their codes'],
    ['x', 'refuses all that wait, and takes new requests at once'],
    ['?', 'shows this'],
    ['Ctrl-C', 'stops everything; twice stops at once'],
  ]
  return keys.map(([key = '', does = '']) => `  ${style.bold(key.padEnd(8))}${does}`)
}
