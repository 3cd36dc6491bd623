import type { ResolvedConfig } from '../../config/resolved-config.ts'
import { messageOf, UserError } from '../../errors.ts'
import { wantsTunnel } from '../../gateway/start-warnings.ts'
import type { Gateway } from '../../gateway.ts'
import type { ReadyEvent } from '../../gateway-events.ts'
import { printable } from '../../lib/printable.ts'
import { copyToClipboard } from '../clipboard.ts'
import { type KeyActions, listenToKeys } from '../keys.ts'
import type { PendingApprovals } from '../pending-approvals.ts'
import { formatDoctor } from '../ui/doctor.ts'
import { formatFailure } from '../ui/failure.ts'
import { formatKeyHelp } from '../ui/key-help.ts'
import { formatProse } from '../ui/layout.ts'

import { formatQr } from '../ui/qr.ts'
import { clientSnippet } from '../ui/snippets.ts'
import { createApprovalKeys } from './approval-keys.ts'
import type { DevDeps } from './dev-deps.ts'

export interface DevKeysOptions {
  readonly deps: Pick<DevDeps, 'input' | 'output' | 'platform' | 'now' | 'examine' | 'clients'>
  readonly config: ResolvedConfig
  readonly gateway: Gateway
  readonly approvals: PendingApprovals
  readonly onInterrupt: () => void
  readonly onBug: (error: unknown) => void
}

/** Makes the keys work until the result is called. */
export function listenToDevKeys(options: DevKeysOptions): () => void {
  const { deps, gateway, onInterrupt, onBug } = options
  const { output } = deps
  const reopen = createReopen(options)
  const opensTunnel = wantsTunnel(options.config)
  const examine = createExamine(options)
  const actions: KeyActions = {
    c: () => void copySnippet(options).catch(onBug),
    q() {
      const url = gateway.status().profiles[0]?.url ?? gateway.status().appUrl
      output.answer(`\n${formatQr(url, output.screen('stdout'))}\n`)
    },
    r: () => void reopen().catch(onBug),
    d: () => void examine().catch(onBug),
    ...createApprovalKeys({
      approvals: options.approvals,
      gateway,
      screen: output.screen('stderr'),
      print: output.talk,
      now: Date.now,
    }),
    '?': () => output.talk(formatKeyHelp(output.screen('stderr'), { opensTunnel })),
    '\r': () => output.talk(''),
    interrupt: onInterrupt,
    end: onInterrupt,
  }
  return listenToKeys(deps.input, actions)
}

async function copySnippet({ deps, gateway }: DevKeysOptions): Promise<void> {
  const { output, platform } = deps
  const say = (text: string) => output.talk(formatProse(text, output.screen('stderr')).join('\n'))
  const snippet = clientSnippet(gateway.status(), deps.clients?.chosen[0])
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
function createExamine({ deps, config }: DevKeysOptions): () => Promise<void> {
  const { output, examine } = deps
  let working = false
  return async () => {
    if (working) return
    working = true
    output.progress('Looking')
    try {
      const report = await examine(config)
      output.progress(undefined)
      output.answer(formatDoctor(report, output.screen('stdout')))
    } finally {
      output.progress(undefined)
      working = false
    }
  }
}

/** Reopens, one at a time: a second press while it works does nothing. */
function createReopen({ deps, gateway }: DevKeysOptions): () => Promise<void> {
  const { output, now } = deps
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
        output.talk(formatProse(printable(sentence), output.screen('stderr')).join('\n'))
      }
    } catch (error) {
      output.progress(undefined)
      if (!(error instanceof UserError)) throw error
      output.talk(formatFailure(error, output.screen('stderr')))
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
