import type { GatewayFile } from '../../src/config/resolved-config.ts'
import type { UserError } from '../../src/errors.ts'
import type { Gateway, GatewayOptions } from '../../src/gateway.ts'
import type { GatewayEvent, ReadyEvent } from '../../src/gateway-events.ts'

/** A `ready` event with everything in it. */
export function readyEvent(changes: Partial<ReadyEvent> = {}): ReadyEvent {
  const appUrl = changes.appUrl ?? 'https://localhost:3443'
  return {
    event: 'ready',
    version: '0.1.0',
    startedInMs: 812,
    appUrl,
    origins: [appUrl, 'http://localhost:3001'],
    profiles: [
      {
        name: 'default',
        url: `${appUrl}/api/mcp/default`,
        tools: 14,
        resources: 1,
        prompts: 1,
        servers: [
          { name: 'welcome', state: 'up', tools: 3 },
          { name: 'files', state: 'idle', tools: 11 },
        ],
        problems: [],
      },
    ],
    redirectUri: `${appUrl}/api/oauth/callback`,
    ...changes,
  }
}

/** A fingerprint of the usual length. */
export const fingerprint = Array.from({ length: 32 }, (_, index) =>
  (index * 7).toString(16).toUpperCase().padStart(2, '0'),
).join(':')

export interface FakeGateway {
  readonly start: (options: GatewayOptions) => Promise<Gateway>
  readonly emit: (event: GatewayEvent) => void
  readonly calls: string[]
  readonly applied: GatewayFile[]
}

/** A gateway that opens nothing, and remembers what it is told. */
export function createFakeGateway(
  behaviour: { ready?: ReadyEvent; fail?: UserError; closing?: Promise<void> } = {},
): FakeGateway {
  const ready = behaviour.ready ?? readyEvent()
  const calls: string[] = []
  const applied: GatewayFile[] = []
  let emit: (event: GatewayEvent) => void = () => {}
  return {
    calls,
    applied,
    emit: (event) => emit(event),
    async start({ onEvent }) {
      emit = onEvent
      calls.push('start')
      onEvent({ event: 'progress', step: 'Starting the servers' })
      if (behaviour.fail) throw behaviour.fail
      onEvent(ready)
      return {
        status: () => ready,
        traffic: { entries: () => [], watch: () => () => {} },
        async applyFile(next) {
          calls.push('applyFile')
          applied.push(next)
        },
        async reopen() {
          calls.push('reopen')
          return 'open'
        },
        decideApproval(id, allowed) {
          calls.push(`${allowed ? 'allow' : 'refuse'} ${id}`)
          return true
        },
        clearApprovals() {
          calls.push('clear approvals')
        },
        async close() {
          calls.push('close')
          await behaviour.closing
        },
      }
    },
  }
}
