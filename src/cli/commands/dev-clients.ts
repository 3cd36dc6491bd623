import type { UndoneFile, WrittenFile } from '../../clients/client-files.ts'
import { clientEntryName, writeClient } from '../../clients/mcp-client.ts'
import { entryCaFile } from '../../clients/trust-variables.ts'
import type { ReadyEvent } from '../../gateway-events.ts'
import { publicUrls } from '../../origin/public-urls.ts'
import { failureEvent } from '../ui/failure.ts'
import { trustFilesIn } from '../ui/snippets.ts'
import type { DevClients, Notice } from './dev-world.ts'

/** Keeps the address of now in clients' files; without anything to write it does nothing. */
export function createClientKeeper(
  clients: DevClients | undefined,
  options: { home: string; warn: (notice: Notice) => void },
) {
  const { home, warn } = options
  const files = clients?.write ? clients.openFiles(home) : undefined
  const written = new Map<string, WrittenFile>()
  let ready: ReadyEvent | undefined

  async function orWarn<T>(work: () => Promise<T>): Promise<T[]> {
    try {
      return [await work()]
    } catch (error) {
      // The gateway works without any client's file, whatever is wrong with it.
      const { event: _event, ...notice } = failureEvent(error)
      warn(notice)
      return []
    }
  }

  return {
    /** Learns what does not change with the address. */
    start(event: ReadyEvent): void {
      ready = event
    },
    /** Writes an address into every file; a file that cannot be written is a warning and no more. */
    async follow(appUrl: string): Promise<readonly WrittenFile[]> {
      const profile = ready?.profiles[0]?.name
      if (!files || !clients || !ready || profile === undefined) return []
      const caFile = entryCaFile(trustFilesIn({ ...ready, appUrl }))
      const url = publicUrls(appUrl).mcp(profile)
      const connection = { name: clientEntryName(profile), url, caFile }
      const results: WrittenFile[] = []
      for (const client of clients.chosen) {
        // The screen says how such a client is connected by hand.
        if (!client.file) continue
        const scope = undefined
        const write = () =>
          writeClient(client, connection, { ...clients, files, scope, force: false })
        for (const one of await orWarn(write)) {
          results.push(one)
          if (one.outcome !== 'unchanged') written.set(`${one.client} ${one.path}`, one)
        }
      }
      return results
    },
    /** Takes out what this run wrote, when that was asked for. */
    async undo(): Promise<readonly UndoneFile[]> {
      if (!files || !clients?.undoOnExit) return []
      const undone: UndoneFile[] = []
      for (const memory of await files.remembered()) {
        const isOfThisRun = written.get(`${memory.client} ${memory.path}`)?.name === memory.name
        if (isOfThisRun) undone.push(...(await orWarn(() => files.undo(memory))))
      }
      return undone
    },
  }
}
