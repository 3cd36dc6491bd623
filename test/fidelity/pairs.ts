import { fileURLToPath } from 'node:url'
import { type ServerSketch, startTestGateway, type TestGateway } from '../fixtures/gateway.ts'
import { type RunningScript, startHttp, startSse } from './server/carriers.ts'
import { script } from './server/script.ts'
import { type Era, HttpClient, SseClient, StdioClient, type WireClient } from './wire-client.ts'

export const scripts = [
  'legacy stdio',
  'legacy HTTP',
  'legacy SSE',
  'modern stdio',
  'modern HTTP',
] as const
export type ScriptKind = (typeof scripts)[number]
export const clients = ['legacy', 'modern'] as const

const program = fileURLToPath(new URL('./server/main.ts', import.meta.url))

/** The scripted server over every transport, and a gateway with a profile of one for each. */
export interface Lab {
  readonly gateway: TestGateway
  eraOf(kind: ScriptKind): Era
  direct(kind: ScriptKind): WireClient
  through(kind: ScriptKind, era: Era): HttpClient
  close(): Promise<void>
}

export async function startLab(): Promise<Lab> {
  const running: Partial<Record<ScriptKind, RunningScript>> = {
    'legacy HTTP': await startHttp('legacy', script),
    'modern HTTP': await startHttp('modern', script),
    'legacy SSE': await startSse(script),
  }
  const eraOf = (kind: ScriptKind): Era => (kind.startsWith('legacy') ? 'legacy' : 'modern')
  const nameOf = (kind: ScriptKind) => kind.replace(' ', '-').toLowerCase()
  const commandOf = (kind: ScriptKind) => [process.execPath, program, eraOf(kind)] as const
  const sketchOf = (kind: ScriptKind): ServerSketch => {
    const url = running[kind]?.url
    if (url === undefined) {
      const [command, ...args] = commandOf(kind)
      return { command, args }
    }
    return { url, type: kind.endsWith('SSE') ? 'sse' : 'http' }
  }
  const gateway = await startTestGateway({
    servers: Object.fromEntries(scripts.map((kind) => [nameOf(kind), sketchOf(kind)])),
    profiles: Object.fromEntries(
      scripts.map((kind) => [nameOf(kind), { servers: [nameOf(kind)] }]),
    ),
    config: { limits: { maxBodyBytes: 16 * 1024 * 1024 } },
  })
  return {
    gateway,
    eraOf,
    direct(kind) {
      const url = running[kind]?.url
      if (url === undefined) return new StdioClient(eraOf(kind), commandOf(kind))
      return kind.endsWith('SSE') ? new SseClient(url) : new HttpClient(url, eraOf(kind))
    },
    through: (kind, era) => new HttpClient(gateway.url(nameOf(kind)), era),
    async close() {
      await gateway.close()
      await Promise.all(Object.values(running).map((one) => one.close()))
    },
  }
}
