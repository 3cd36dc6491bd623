import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { UpstreamEvent } from '../gateway-events.ts'
import { writeFileAtomic } from '../lib/atomic-file.ts'

/** The links of servers that wait for a login, by server, for `sallyport connect`. */
export type LoginLinks = Readonly<Record<string, string>>

/** Keeps the links where only the owner can read them: whoever has one may log in. */
export interface LoginLinkFile {
  note(event: UpstreamEvent): void
  /** Removes the file. */
  close(): Promise<void>
}

export function openLoginLinks(home: string): LoginLinkFile {
  const links = new Map<string, string>()
  let writing: Promise<void> = Promise.resolve()
  const write = (task: () => Promise<void>) => {
    writing = writing.then(task).catch(() => {
      // The terminal has printed the link; the file is a convenience.
    })
    return writing
  }
  return {
    note({ server, state, loginUrl }) {
      const known = links.get(server)
      if (state === 'login-needed' && loginUrl !== undefined) links.set(server, loginUrl)
      else links.delete(server)
      if (links.get(server) === known) return
      const content = JSON.stringify(Object.fromEntries(links))
      void write(() => writeFileAtomic(pathIn(home), content, { mode: 0o600 }))
    },
    close: () => write(() => rm(pathIn(home), { force: true })),
  }
}

/** The links of the gateway that runs in this folder; empty when none waits, or none runs. */
export async function readLoginLinks(home: string): Promise<LoginLinks> {
  try {
    return JSON.parse(await readFile(pathIn(home), 'utf8')) as LoginLinks
  } catch {
    // No such file: nobody waits.
    return {}
  }
}

function pathIn(home: string): string {
  return join(home, 'login-links.json')
}
