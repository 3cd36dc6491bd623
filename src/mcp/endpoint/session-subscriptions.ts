import { rpcCodes, rpcError } from '../mcp-error.ts'
import { maxSubscriptions } from '../request-reading.ts'

/** The resources that one MCP session follows, a bounded number of them. */
export interface SessionSubscriptions {
  has(uri: string): boolean
  /** Follows a resource, unless it is followed already. @throws Error as a JSON-RPC error */
  add(uri: string): Promise<void>
  remove(uri: string): void
  clear(): void
}

/** @param follow tells the upstream, and resolves with what ends that */
export function createSessionSubscriptions(
  follow: (uri: string) => Promise<() => void>,
): SessionSubscriptions {
  // Counted from the moment they are asked for: a thousand may be asked for at once.
  const followed = new Map<string, Promise<() => void>>()

  function remove(uri: string): void {
    const following = followed.get(uri)
    followed.delete(uri)
    following?.then(
      (stop) => stop(),
      () => {
        // Whoever asked for it was told.
      },
    )
  }

  return {
    has: (uri) => followed.has(uri),
    async add(uri) {
      const known = followed.get(uri)
      if (!known && followed.size >= maxSubscriptions) {
        throw rpcError(
          rpcCodes.invalidRequest,
          `This session follows ${maxSubscriptions} resources already, which is the most it may; ` +
            'unsubscribe from some of them first.',
        )
      }
      const following = known ?? follow(uri)
      followed.set(uri, following)
      try {
        await following
      } catch (error) {
        if (followed.get(uri) === following) followed.delete(uri)
        throw error
      }
    },
    remove,
    clear() {
      for (const uri of [...followed.keys()]) remove(uri)
    },
  }
}
