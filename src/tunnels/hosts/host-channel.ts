/** What a host program tells the gateway. */
export type HostEvent =
  | { readonly type: 'url'; readonly url: string; readonly name?: string | undefined }
  | {
      readonly type: 'failed'
      readonly message: string
      /** What kind of failure the client says it is: an error code or an HTTP status. */
      readonly code?: string | undefined
    }
  | { readonly type: 'lost'; readonly detail: string }

/**
 * Runs a client library in this process, with the settings the gateway sends first. The process
 * ends when the gateway kills it, or by itself when the gateway is gone.
 */
export function serveClientHost<Settings>(
  run: (settings: Settings, tell: (event: HostEvent) => void) => Promise<void> | void,
): void {
  const tell = (event: HostEvent): void => void process.send?.(event)
  const fail = (error: unknown): void => {
    const { code } = error as { code?: string }
    tell({ type: 'failed', message: error instanceof Error ? error.message : String(error), code })
  }
  process.on('uncaughtException', fail)
  process.on('unhandledRejection', fail)
  // A signal and not an exit: a client that hangs in native code must not hold it up.
  process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'))
  process.once('message', async (settings) => {
    try {
      await run(settings as Settings, tell)
    } catch (error) {
      fail(error)
    }
  })
}
