import { execFile } from 'node:child_process'
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect, rootCertificates } from 'node:tls'
import { onTestFinished } from 'vitest'
import type { Clock } from '../../src/lib/clock.ts'
import { findProgram } from '../../src/lib/programs.ts'
import { issueAuthority, issueLeaf } from '../../src/tls/issue.ts'
import {
  createLocalCertificate,
  type LocalCertificate,
  type LocalCertificateOptions,
} from '../../src/tls/local-certificate.ts'
import type { NetworkInterfaces } from '../../src/tls/local-names.ts'
import { generateKeyPem } from '../../src/tls/private-key.ts'
import {
  createServerContexts,
  type ServedCertificate,
  type ServerContexts,
} from '../../src/tls/served-certificate.ts'
import { silentLogger } from '../fixtures/silent-logger.ts'

export const dayMs = 86_400_000
export const hourMs = 3_600_000

/** A folder that is gone when the test is over. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'sallyport-tls-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  return folder
}

export interface ManualClock extends Clock {
  /** Moves time and fires each timer that became due, once. */
  advance(ms: number): void
  timers(): number
}

/** A clock that starts at the real time, because real clients judge what it makes. */
export function manualClock(start = Date.now()): ManualClock {
  const timers = new Set<{ every: number; due: number; task: () => void }>()
  let now = start
  return {
    now: () => now,
    every: (every, task) => {
      const timer = { every, due: now + every, task }
      timers.add(timer)
      return () => timers.delete(timer)
    },
    advance: (ms) => {
      now += ms
      for (const timer of timers) {
        if (timer.due > now) continue
        timer.due = now + timer.every
        timer.task()
      }
    },
    timers: () => timers.size,
  }
}

/** Options of a local certificate whose every folder is under `folder`. */
export function labOptions(
  folder: string,
  overrides: Partial<LocalCertificateOptions> = {},
): LocalCertificateOptions {
  return {
    home: join(folder, 'home'),
    tls: { certPath: undefined, keyPath: undefined, caPath: undefined, caRoot: join(folder, 'ca') },
    mkcertRoot: undefined,
    hostname: 'workbench',
    names: () => [],
    interfaces: () => ({}),
    readRoots: async () => rootCertificates.slice(0, 3),
    clock: manualClock(),
    logger: silentLogger,
    ...overrides,
  }
}

/** Opens a local certificate that is closed when the test is over. */
export async function openCertificate(options: LocalCertificateOptions): Promise<LocalCertificate> {
  const local = await createLocalCertificate(options)
  onTestFinished(() => local.close())
  return local
}

/** Interfaces as the operating system lists them, one address each. */
export function interfacesOf(...addresses: string[]): NetworkInterfaces {
  return Object.fromEntries(
    addresses.map((address, index) => [
      `eth${index}`,
      [
        address.includes(':')
          ? {
              address,
              family: 'IPv6',
              netmask: '',
              mac: '',
              internal: false,
              cidr: null,
              scopeid: 0,
            }
          : { address, family: 'IPv4', netmask: '', mac: '', internal: false, cidr: null },
      ],
    ]),
  )
}

export interface TestPair {
  cert: string
  key: string
}

/** An authority in memory, for certificates the program would not make. */
export async function createTestAuthority(permitted = ['localhost'], now = Date.now()) {
  const keyPem = generateKeyPem()
  const key = createPrivateKey(keyPem)
  const certPem = await issueAuthority(key, { permitted, now })
  const authority = { certificate: new X509Certificate(certPem), key }
  return {
    certPem,
    keyPem,
    issue: async (names: string[], options: { keyPem?: string } = {}): Promise<TestPair> => {
      const leafKey = options.keyPem ?? generateKeyPem()
      const cert = await issueLeaf(createPrivateKey(leafKey), { authority, names, now })
      return { cert, key: leafKey }
    },
  }
}

/** An HTTPS server on a free port of 127.0.0.1 that answers `ok`. */
export async function serve(
  pair: TestPair & Partial<ServedCertificate>,
): Promise<{ server: Server; port: number; contexts: ServerContexts }> {
  const contexts = createServerContexts(pair)
  const server = createServer(contexts.options, (_, response) => {
    response.end('ok')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return { server, port: (server.address() as AddressInfo).port, contexts }
}

/** Shakes hands and returns the fingerprint of the leaf, or code and message of the failure. */
export function handshake(
  port: number,
  options: { ca?: string | undefined; servername?: string } = {},
): Promise<string> {
  const { ca, servername = 'localhost' } = options
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1', servername, ...(ca && { ca }) })
    socket.once('secureConnect', () => {
      resolve(socket.getPeerX509Certificate()?.fingerprint256 ?? 'none')
      socket.destroy()
    })
    socket.once('error', (error: NodeJS.ErrnoException) =>
      resolve(`${error.code}: ${error.message}`),
    )
  })
}

/** Whether a command can be run here; tests that need it are skipped otherwise. */
export function hasCommand(command: string): boolean {
  const searchPath = process.env.PATH ?? ''
  if (command === process.execPath) return true
  return findProgram(command, { platform: process.platform, searchPath }) !== undefined
}

/** Runs a command with no environment but PATH, HOME and `env`: CA variables of the shell hide failures. */
export function run(
  command: string,
  args: readonly string[],
  env: Record<string, string> = {},
): Promise<{ code: number; output: string }> {
  const PATH = process.env.PATH ?? ''
  const options = { env: { PATH, HOME: process.env.HOME ?? tmpdir(), ...env } }
  return new Promise((resolve) => {
    const child = execFile(command, [...args], options, (_, stdout, stderr) => {
      resolve({ code: child.exitCode ?? -1, output: stdout + stderr })
    })
  })
}

/** Every file of a folder and what is in it. */
export async function snapshot(files: readonly string[]): Promise<Record<string, string>> {
  const entries = files.map(async (file) => [file, await readFile(file, 'utf8').catch(String)])
  return Object.fromEntries(await Promise.all(entries))
}
