import type { Transport } from '@modelcontextprotocol/client'

type Deliver = NonNullable<Transport['onmessage']>

/**
 * Hands messages on in order, with a turn of the event loop after each notification: the SDK acts
 * on notifications later than on responses, so a result in the same chunk would overtake the
 * progress that was sent before it.
 */
export function createInbox(deliver: Deliver) {
  const waiting: Parameters<Deliver>[] = []
  let pause: NodeJS.Immediate | undefined
  function drain(): void {
    pause = undefined
    for (let next = waiting.shift(); next; next = waiting.shift()) {
      deliver(...next)
      if (!('id' in next[0])) {
        // Even when nothing waits yet: the rest of the chunk is still being cut into messages.
        pause = setImmediate(drain)
        return
      }
    }
  }
  return {
    add(...next: Parameters<Deliver>): void {
      waiting.push(next)
      if (!pause) drain()
    },
    /** Delivers what is left, before the end of the stream is announced. */
    end(): void {
      clearImmediate(pause)
      for (const next of waiting.splice(0)) deliver(...next)
    },
  }
}

/** Makes whoever listens to a transport hear its messages through an inbox. */
export function deliverInOrder(transport: Transport): void {
  let listener: Deliver | undefined
  const inbox = createInbox((message, extra) => listener?.(message, extra))
  Object.defineProperty(transport, 'onmessage', {
    get: () => listener && inbox.add,
    set(next: Deliver | undefined) {
      listener = next
    },
  })
}
