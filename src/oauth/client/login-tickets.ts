import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'

const lifetimeMs = 60 * 60_000

/**
 * What a login link carries so that only those who were given it can begin a login: the gateway may
 * be reachable by anybody, and a stranger must not connect an account of theirs to it.
 */
export interface LoginTickets {
  /** The server's ticket, which lasts an hour from the last time it was issued. */
  issue(server: string): string
  isValid(server: string, ticket: string): boolean
  /** Ends the server's ticket: the login it was for is done. */
  end(server: string): void
}

export function createLoginTickets(now: () => number): LoginTickets {
  const tickets = new Map<string, { ticket: string; expiresAt: number }>()
  const current = (server: string) => {
    const entry = tickets.get(server)
    return entry && now() < entry.expiresAt ? entry.ticket : undefined
  }
  return {
    issue(server) {
      const ticket = current(server) ?? randomBytes(24).toString('base64url')
      tickets.set(server, { ticket, expiresAt: now() + lifetimeMs })
      return ticket
    },
    isValid(server, ticket) {
      const expected = current(server)
      return expected !== undefined && timingSafeEqual(digest(ticket), digest(expected))
    },
    end(server) {
      tickets.delete(server)
    },
  }
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
