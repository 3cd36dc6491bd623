import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { connect } from 'node:net'
import type { ResolvedConfig } from '../../config/resolved-config.ts'
import { UserError } from '../../errors.ts'
import { type AdminAddress, readAdminAddress } from '../../http/admin/admin-address.ts'
import { adminCookieHeader, createAdminSessions } from '../../http/admin/session.ts'
import type { Store } from '../../store/store.ts'

const connectMs = 2_000
const answerMs = 30_000

/**
 * The origin at which the gateway of this folder answers its owner alone.
 * @param address what the gateway said of it when it started
 * @throws UserError USAGE when no gateway runs, or none that its owner alone can reach
 */
export async function ownersOrigin(
  address: AdminAddress | undefined,
  answers: (origin: string) => Promise<boolean> = hasListener,
): Promise<string> {
  if (address && address.origin === undefined) {
    throw new UserError(
      'USAGE',
      'This is answered on this machine only, and every listener of the gateway can be reached from elsewhere.',
      { hint: 'Leave HOST at 127.0.0.1; with APP_URL, keep local HTTPS on.' },
    )
  }
  if (address?.origin === undefined || !(await answers(address.origin))) {
    throw new UserError('USAGE', 'No gateway runs in this folder.', {
      hint: 'Start it with `pnpm dev:https`, then run this again in another terminal.',
    })
  }
  return address.origin
}

/**
 * Sends a request to the owner's API of the gateway that runs in this folder, with a session of its
 * own, and resolves with what it answers.
 * @throws UserError USAGE when none runs
 */
export async function askGateway(
  { config, store }: { config: ResolvedConfig; store: Store },
  { method, path }: { method: 'GET' | 'POST' | 'DELETE'; path: string },
): Promise<{ status: number; body: Record<string, unknown> }> {
  const origin = await ownersOrigin(await readAdminAddress(store))
  const session = await createAdminSessions({ store, now: Date.now }).open()
  const { createHttpSender, readText } = await import('../../lib/http-sender.ts')
  const sender = createHttpSender({ pinned: await servedCertificates(config) })
  try {
    const answer = await sender.send(origin + path, {
      method,
      headers: { cookie: adminCookieHeader(origin, session.cookie) },
      signal: AbortSignal.timeout(answerMs),
    })
    return { status: answer.status, body: JSON.parse(await readText(answer)) }
  } finally {
    await sender.close()
    await session.end()
  }
}

/** Our gateway is known by what it serves. */
async function servedCertificates(config: ResolvedConfig): Promise<string[]> {
  if (!config.https) return []
  const { lookAtCertificate } = await import('../../tls/configured-certificate.ts')
  const readText = (path: string) => readFile(path, 'utf8').catch(() => undefined)
  const files = await lookAtCertificate(config, { readText, now: Date.now() })
  return [files.leaf, files.addresses].flatMap((pair) => pair?.cert ?? [])
}

async function hasListener(origin: string): Promise<boolean> {
  const { hostname, port } = new URL(origin)
  const socket = connect({ host: hostname, port: Number(port), timeout: connectMs })
  try {
    await once(socket, 'connect', { signal: AbortSignal.timeout(connectMs) })
    return true
  } catch {
    // Refused: the gateway that left its address behind was killed.
    return false
  } finally {
    socket.destroy()
  }
}
