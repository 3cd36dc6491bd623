import { createHash } from 'node:crypto'
import type { Store } from '../../store/store.ts'
import { isJsonObject } from '../wire/message.ts'
import { lengthOf, type SessionTerms, tooLong } from './session-terms.ts'
import type { SessionState } from './session-wishes.ts'

/** How long a session can be taken up again, ms. */
const goodForMs = 7 * 24 * 60 * 60_000
/** Records that are kept at most, looked at once in so many writes. */
const maxRecords = { kept: 50_000, everyWrites: 1_000 }

/** What an id may carry, characters of JSON: many programs take no more than 8 or 16 KiB of headers. */
const longestCarried = 4_096

/** Seals and opens what only this gateway may have written. */
export interface Sealer {
  seal(value: unknown): string
  /** Undefined for what was not sealed here. */
  open(text: string): unknown
}

/**
 * What is needed to take a 2025 session up again after a restart: its id carries, sealed, what the client
 * said with `initialize`; what it asked for later is in the store, under a hash of the id.
 */
export function createSessionRecords(options: {
  profile: string
  sealer: Sealer
  store: Store
  now: () => number
}) {
  const { profile, sealer, store, now } = options
  const collection = 'mcp-sessions'
  let writes = 0
  const keyOf = (id: string) => createHash('sha256').update(id).digest('hex')

  /** For as long as the id is good. */
  async function save(id: string, record: object): Promise<void> {
    await store.set(collection, keyOf(id), record, { expiresAt: now() + goodForMs })
    writes += 1
    if (writes % maxRecords.everyWrites === 0) await store.trim(collection, maxRecords.kept)
  }

  return {
    /**
     * A new id, unlike every other, for a session with these terms. Of a client that says much of itself
     * it carries the name. @throws RpcError where that is too long as well
     */
    issue(terms: SessionTerms): string {
      const carried = lengthOf(terms) <= longestCarried ? terms : withoutOrnament(terms)
      if (lengthOf(carried) > longestCarried) throw tooLong()
      return sealer.seal({ profile, terms: carried, openedAt: now() })
    },
    /** What a session is, from its id alone; undefined for an id that is not good (any more). */
    async recall(id: string): Promise<{ terms: SessionTerms; state: SessionState } | undefined> {
      const sealed = sealer.open(id)
      if (!isJsonObject(sealed) || sealed.profile !== profile) return undefined
      if (now() - Number(sealed.openedAt) > goodForMs) return undefined
      const saved = (await store.get(collection, keyOf(id))) as
        | { ended: true }
        | { ended: false; state: SessionState }
        | undefined
      if (saved?.ended) return undefined
      const state = saved?.state ?? { level: undefined, subscriptions: [] }
      return { terms: sealed.terms as SessionTerms, state }
    },
    saveState: (id: string, state: SessionState) => save(id, { ended: false, state }),
    /** A client that left does not come back. */
    end: (id: string) => save(id, { ended: true }),
  }
}

export type SessionRecords = ReturnType<typeof createSessionRecords>

function withoutOrnament(terms: SessionTerms): SessionTerms {
  const { name, title, version } = terms.clientInfo
  return { ...terms, clientInfo: { name, title, version } }
}
