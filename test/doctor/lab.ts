import {
  request as ask,
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
} from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { onTestFinished } from 'vitest'
import { takeInstanceLock } from '../../src/config/instance-lock.ts'
import type { Check, Finding } from '../../src/doctor/check.ts'
import {
  type CreateWorldOptions,
  createDoctorWorld,
  type DoctorWorld,
} from '../../src/doctor/world.ts'
import { temporaryFolder } from '../cli/helpers.ts'
import { issueEdgeCertificate } from '../emulators/certificates.ts'
import type { AtEnd } from '../fixtures/cleanup.ts'
import { startTestGateway, type TestGateway, type TestGatewayOptions } from '../fixtures/gateway.ts'

export type Environment = Readonly<Record<string, string | undefined>>

/** The environment of a person who has set nothing. */
export const bare = (home: string): Environment => ({ PATH: process.env.PATH, HOME: home })

/** The real world of a folder; what is given replaces parts of it. */
export async function worldOf(
  options: CreateWorldOptions,
  replaced: Partial<DoctorWorld> = {},
): Promise<DoctorWorld> {
  const home = await temporaryFolder()
  const env = { ...bare(home), ...options.env }
  // Other tests keep the machine busy.
  const world = await createDoctorWorld({ patience: 4, ...options, env })
  onTestFinished(() => world.close())
  return { ...world, ...replaced }
}

/** What a check says, as `fail: message -> fix`. */
export async function say(check: Check, world: DoctorWorld): Promise<string[]> {
  return (await check.run(world)).map(asLine)
}

export function asLine({ state, message, fix }: Finding): string {
  return `${state}: ${message}${fix === undefined ? '' : ` -> ${fix}`}`
}

export interface RunningLab extends TestGateway {
  world(
    env?: Environment,
    replaced?: Partial<DoctorWorld>,
    options?: { patience?: number },
  ): Promise<DoctorWorld>
}

/** A gateway of this process that holds the lock of its folder, as `dev` does. */
export async function startLab(
  options: Partial<TestGatewayOptions> = {},
  atEnd: AtEnd = onTestFinished,
): Promise<RunningLab> {
  const gateway = await startTestGateway({ servers: {}, https: true, ...options })
  atEnd(() => gateway.close())
  const { config } = gateway
  const { appUrl, origins } = gateway.gateway.status()
  const lock = await takeInstanceLock(config.home)
  atEnd(lock.release)
  await lock.announce(appUrl, origins)
  return {
    ...gateway,
    world: (env = {}, replaced = {}, options = {}) =>
      worldOf({ projectDir: config.projectDir, config, env, ...options }, replaced),
  }
}

/** Answers a request in the place of the gateway, and says whether it has. */
export type Intercept = (
  request: IncomingMessage,
  ...rest: [Parameters<RequestListener>[1]]
) => boolean

/** A gateway whose address is a proxy of ours, which forwards unless `intercept` answers. */
export async function startBehindProxy(
  intercept: Intercept = () => false,
  options: Partial<TestGatewayOptions> = {},
  atEnd: AtEnd = onTestFinished,
): Promise<RunningLab & { origin: string }> {
  let target = 0
  const origin = await serveSecurely((request, response) => {
    if (intercept(request, response)) return
    const { method = 'GET', url = '/', headers } = request
    const onward = ask(
      { port: target, host: '127.0.0.1', method, path: url, headers },
      (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.headers)
        answer.pipe(response)
      },
    )
    onward.on('error', () => response.destroy())
    request.pipe(onward)
  }, atEnd)
  const config = { tunnel: 'external', appUrl: origin, ...options.config } as const
  const lab = await startLab({ ...options, config }, atEnd)
  target = lab.config.listen.httpPort
  return { ...lab, origin }
}

/** An https server whose certificate this process trusts; resolves with its origin. */
export async function serveSecurely(
  listener: RequestListener,
  atEnd: AtEnd = onTestFinished,
): Promise<string> {
  const certificate = await issueEdgeCertificate()
  const before = getCACertificates()
  setDefaultCACertificates([...before, certificate.ca])
  atEnd(() => setDefaultCACertificates(before))
  return `https://localhost:${await listen(createSecureServer(certificate, listener), { atEnd })}`
}

/** A plain server on a free port; resolves with the port. */
export async function servePlainly(listener: RequestListener, port = 0): Promise<number> {
  return listen(createServer(listener), { port })
}

async function listen(
  server: Server,
  { port = 0, atEnd = onTestFinished }: { port?: number; atEnd?: AtEnd },
): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(port, '127.0.0.1', resolve)
  })
  atEnd(() => {
    server.closeAllConnections()
    server.close()
  })
  return (server.address() as AddressInfo).port
}
