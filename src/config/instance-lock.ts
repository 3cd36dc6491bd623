import { randomBytes } from 'node:crypto'
import { unlinkSync } from 'node:fs'
import { link, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { UserError } from '../errors.ts'
import { createFileAtomic, writeFileAtomic } from '../lib/atomic-file.ts'
import { requireHome } from '../lib/ensure-folder.ts'
import { isProcessAlive, processIdentity } from '../lib/process-ledger.ts'

/** The right to run in one `.sallyport` folder, held until `release`. */
export interface InstanceLock {
  /** Tells whoever finds the lock where the gateway answers: its address, and every origin. */
  announce(address: string, origins: readonly string[]): Promise<void>
  /** Gives the right back. Safe to call twice, and from an `exit` handler. */
  release(): void
}

interface LockContent {
  readonly pid: number
  /** See `processIdentity`; empty when the system does not tell. */
  readonly started: string
  /** Tells this lock from a later one of the same process. */
  readonly token: string
  readonly address?: string
  readonly origins?: readonly string[]
}

/** What the lock of a folder says to somebody who does not want to take it. */
export type LockView =
  | { readonly state: 'absent' }
  /** Its holder is gone, or it cannot be read. */
  | { readonly state: 'stale' }
  | {
      readonly state: 'held'
      readonly pid: number
      /** Undefined until the gateway is ready. */
      readonly address: string | undefined
      readonly origins: readonly string[]
    }

/**
 * Takes `<home>/gateway.lock`. A lock whose process is gone, or whose process id now belongs to
 * another process, is taken over.
 * @throws UserError ALREADY_RUNNING when the holder lives, HOME_UNWRITABLE
 */
export async function takeInstanceLock(home: string): Promise<InstanceLock> {
  await requireHome(home)
  const path = lockFile(home)
  const content: LockContent = {
    pid: process.pid,
    started: (await processIdentity(process.pid)) ?? '',
    token: randomBytes(8).toString('hex'),
  }
  for (let attempt = 0; attempt < 5; attempt++) {
    const created = await createFileAtomic(path, JSON.stringify(content), { mode: 0o600 })
    if (created) return hold(path, content)
    const text = await readFile(path, 'utf8').catch(() => undefined)
    // Released between the two.
    if (text === undefined) continue
    const holder = parse(text)
    if (holder && (await lives(holder))) throw alreadyRunning(holder)
    await setAside(path, { text, token: content.token })
  }
  throw new UserError('ALREADY_RUNNING', `Several gateways are starting at once in ${home}.`, {
    hint: 'Start one of them again in a moment.',
  })
}

/** Looks at the lock of a folder, and leaves it as it is. */
export async function readInstanceLock(home: string): Promise<LockView> {
  const text = await readFile(lockFile(home), 'utf8').catch(() => undefined)
  if (text === undefined) return { state: 'absent' }
  const holder = parse(text)
  if (!holder || !(await lives(holder))) return { state: 'stale' }
  const { pid, address, origins = [] } = holder
  return { state: 'held', pid, address, origins }
}

/** Where the gateway of a folder answers; undefined when none runs, or none is ready yet. */
export async function runningAddress(home: string): Promise<string | undefined> {
  const lock = await readInstanceLock(home)
  return lock.state === 'held' ? lock.address : undefined
}

function lockFile(home: string): string {
  return join(home, 'gateway.lock')
}

function hold(path: string, content: LockContent): InstanceLock {
  let held = true
  return {
    async announce(address, origins) {
      if (!held) return
      await writeFileAtomic(path, JSON.stringify({ ...content, address, origins }), { mode: 0o600 })
    },
    release() {
      if (!held) return
      held = false
      try {
        unlinkSync(path)
      } catch {
        // Somebody removed it by hand: there is nothing left to give back.
      }
    },
  }
}

/** Removes the stale lock that was read, and no other: a rename succeeds for one process only. */
async function setAside(path: string, stale: { text: string; token: string }): Promise<void> {
  const aside = `${path}.${stale.token}`
  try {
    await rename(path, aside)
  } catch {
    // Another starter was faster; the next attempt meets its lock.
    return
  }
  const moved = await readFile(aside, 'utf8')
  if (moved !== stale.text) {
    // A live lock got in between the read and the rename: it goes back.
    await link(aside, path)
  }
  await rm(aside, { force: true })
}

function parse(text: string): LockContent | undefined {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value !== 'object' || value === null) return undefined
    const { pid, started } = value as Partial<LockContent>
    return Number.isSafeInteger(pid) && typeof started === 'string'
      ? (value as LockContent)
      : undefined
  } catch {
    // Torn by a crash: nobody holds it.
    return undefined
  }
}

async function lives({ pid, started }: LockContent): Promise<boolean> {
  if (!isProcessAlive(pid)) return false
  const now = await processIdentity(pid)
  // A zombie has no identity on Linux. Where the system does not tell, believe the process id.
  if (now === undefined) return process.platform !== 'linux'
  return started === '' || now === started
}

function alreadyRunning({ pid, address }: LockContent): UserError {
  const where = address ? ` at ${address}` : ''
  const stop = process.platform === 'win32' ? `taskkill /PID ${pid} /T` : `kill ${pid}`
  return new UserError(
    'ALREADY_RUNNING',
    `Sallyport already runs in this project${where} (process ${pid}).`,
    {
      hint: `Use that one, stop it with \`${stop}\`, or give this one a folder of its own with SALLYPORT_HOME.`,
    },
  )
}
