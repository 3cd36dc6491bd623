import { createHash } from 'node:crypto'
import { messageOf } from '../../errors.ts'
import type { Logger } from '../../lib/logger.ts'
import type { Store } from '../../store/store.ts'
import { isJsonObject } from '../wire/message.ts'

/** As long as a session can be taken up again, ms. */
const rememberedMs = 7 * 24 * 60 * 60_000
/** Of one server; those of the oldest tasks go. */
const most = 10_000

/** What the HTTP side calls whoever was let in without being asked who it is. */
const anonymous = 'anonymous'

/**
 * Whose tasks are whose: those of a caller are one in all its sessions. Nothing is known of callers
 * of an open profile but the session, where they have one.
 */
export function taskOwnerOf(profile: string, principal: string, sessionId?: string): string {
  return JSON.stringify([profile, principal, ...(principal === anonymous ? [sessionId] : [])])
}

/**
 * Who had the tasks of one server made (MCP 2025-11-25 and 2026-07-28, Tasks). A server that several
 * clients share takes them all for one, so that the gateway says whose a task is. Kept in the store, under
 * hashes: a session outlives a restart, and a server over HTTP does too.
 */
export function createTaskOwners(options: {
  server: string
  store: Store
  now: () => number
  logger: Logger
}) {
  const { store, now } = options
  const collection = `mcp-tasks ${options.server}`
  /** By the hash of the task, the hash of its owner; in the order they were made. */
  const owners = new Map<string, string>()
  const hash = (text: string) => createHash('sha256').update(text).digest('base64url')

  async function save(task: string, owner: string): Promise<void> {
    await store.set(collection, task, { owner }, { expiresAt: now() + rememberedMs })
    await store.trim(collection, most)
  }

  return {
    /** Takes what an earlier run knew. */
    async recall(): Promise<void> {
      for (const { key, value } of await store.list(collection)) {
        if (isJsonObject(value)) owners.set(key, String(value.owner))
      }
    },
    /** Notes the task that a result says was made, if it says so. */
    note(result: unknown, owner: string): void {
      const { task, taskId: own } = isJsonObject(result) ? result : {}
      const taskId = isJsonObject(task) ? task.taskId : own
      if (typeof taskId !== 'string') return
      const key = hash(taskId)
      owners.delete(key)
      owners.set(key, hash(owner))
      const [oldest] = owners.size > most ? owners.keys() : []
      if (oldest !== undefined) owners.delete(oldest)
      save(key, hash(owner)).catch((error: unknown) =>
        options.logger.error('whose a task is could not be saved', { reason: messageOf(error) }),
      )
    },
    isOf: (taskId: unknown, owner: string): boolean =>
      typeof taskId === 'string' && owners.get(hash(taskId)) === hash(owner),
  }
}
