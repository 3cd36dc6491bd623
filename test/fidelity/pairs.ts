import { fileURLToPath } from 'node:url'
import { type ServerSketch, startTestGateway, type TestGateway } from '../fixtures/gateway.ts'
import { fixturePath, type HttpFixture, startServer } from '../fixtures/start-server.ts'
import { startHttp, startSse } from './server/carriers.ts'
import { script } from './server/script.ts'
import { type Era, HttpClient, SseClient, StdioClient, type WireClient } from './wire-client.ts'

export const clients = ['legacy', 'modern'] as const
export const scripts = [
  'legacy stdio',
  'legacy HTTP',
  'legacy SSE',
  'modern stdio',
  'modern HTTP',
] as const
export type ScriptKind = (typeof scripts)[number]
/** Servers of the SDKs: v1 for 2025, v2 for 2026, and one of v2 that speaks both. */
export const fixtures = [
  'legacy-stdio',
  'legacy-http',
  'legacy-sse',
  'modern-stdio',
  'modern-http',
  'conformance-http',
] as const
export type ServerKind = ScriptKind | (typeof fixtures)[number]

const program = fileURLToPath(new URL('./server/main.ts', import.meta.url))

/** Scripted servers of HTTP run twice, so that who is connected directly hears nothing of the others. */
type Place = { command: readonly string[] } | { url: string; twin: string; close(): Promise<void> }

/** Some servers, and a gateway with a profile of one for each. */
export interface Lab {
  readonly gateway: TestGateway
  direct(kind: ServerKind, client: Era): WireClient
  through(kind: ServerKind, client: Era): HttpClient
  close(): Promise<void>
}

/** What a server speaks; one of both eras speaks that of its client. */
export function eraOf(kind: ServerKind, client: Era): Era {
  if (kind.startsWith('conformance')) return client
  return kind.startsWith('legacy') ? 'legacy' : 'modern'
}

export const transportOf = (kind: ServerKind) => (kind.split(/[ -]/)[1] ?? '').toLowerCase()

async function start(kind: ServerKind): Promise<Place> {
  const isScript = kind.includes(' ')
  const era = eraOf(kind, 'legacy')
  switch (transportOf(kind)) {
    case 'stdio':
      return { command: isScript ? [program, era] : [fixturePath(`${kind}.ts`)] }
    default: {
      if (!isScript) {
        const server = await startServer(kind as HttpFixture)
        return { ...server, twin: server.url }
      }
      const open = () => (kind.endsWith('SSE') ? startSse(script) : startHttp(era, script))
      const [one, twin] = await Promise.all([open(), open()])
      const close = async () => void (await Promise.all([one.close(), twin.close()]))
      return { url: one.url, twin: twin.url, close }
    }
  }
}

export async function startLab(kinds: readonly ServerKind[]): Promise<Lab> {
  const nameOf = (kind: ServerKind) => kind.replace(' ', '-script-').toLowerCase()
  const places = new Map(
    await Promise.all(kinds.map(async (kind) => [kind, await start(kind)] as const)),
  )
  const placeOf = (kind: ServerKind) => places.get(kind) as Place
  const sketchOf = (kind: ServerKind): ServerSketch => {
    const place = placeOf(kind)
    if ('command' in place) return { command: process.execPath, args: place.command }
    return { url: place.url, type: transportOf(kind) === 'sse' ? 'sse' : 'http' }
  }
  const gateway = await startTestGateway({
    servers: Object.fromEntries(kinds.map((kind) => [nameOf(kind), sketchOf(kind)])),
    profiles: Object.fromEntries(kinds.map((kind) => [nameOf(kind), { servers: [nameOf(kind)] }])),
    config: { limits: { maxBodyBytes: 16 * 1024 * 1024 } },
  })
  await untilUp(gateway, kinds.map(nameOf))
  return {
    gateway,
    direct(kind, client) {
      const place = placeOf(kind)
      const era = eraOf(kind, client)
      if ('command' in place) return new StdioClient(era, [process.execPath, ...place.command])
      return transportOf(kind) === 'sse'
        ? new SseClient(place.twin)
        : new HttpClient(place.twin, era)
    },
    through: (kind, client) => new HttpClient(gateway.url(nameOf(kind)), client),
    async close() {
      await gateway.close()
      for (const place of places.values()) if ('close' in place) await place.close()
    },
  }
}

/** What a server announces of its own start would be heard by whoever comes too early. */
export async function untilUp({ events }: TestGateway, names: readonly string[]): Promise<void> {
  const isUp = (name: string) =>
    events.some((one) => one.event === 'upstream' && one.server === name && one.state === 'up')
  const deadline = Date.now() + 60_000
  while (!names.every(isUp)) {
    if (Date.now() > deadline) throw new Error(`not up: ${names.filter((one) => !isUp(one))}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}
