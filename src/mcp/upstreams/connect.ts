import type { ConnectOptions } from './connect-options.ts'
import { createConnection, type UpstreamConnection } from './connection.ts'

/**
 * Connects to a server. A rejected or aborted connect leaves no process and no socket.
 * @throws Error whose message is a sentence fragment about the server
 */
export async function connectUpstream(options: ConnectOptions): Promise<UpstreamConnection> {
  const { signal } = options
  const connection = createConnection(options)
  const onAbort = () => void connection.abandon('the upstream is being closed')
  signal.addEventListener('abort', onAbort, { once: true })
  const limit = setTimeout(
    () => void connection.abandon(`it did not answer within ${options.timeoutMs / 1000} s`),
    options.timeoutMs,
  )
  try {
    signal.throwIfAborted()
    await connection.open()
    return connection
  } catch (error) {
    const reason = connection.closedFor
    await connection.close()
    throw reason === undefined ? error : new Error(reason, { cause: error })
  } finally {
    clearTimeout(limit)
    signal.removeEventListener('abort', onAbort)
  }
}
