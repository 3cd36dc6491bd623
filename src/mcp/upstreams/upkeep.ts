import type { UpstreamState } from '../../gateway-events.ts'
import type { Logger } from '../../lib/logger.ts'
import { rpcCodes } from '../wire/protocol.ts'
import { failureReason, RpcError } from '../wire/rpc-error.ts'
import { createRestartPolicy, type RestartPolicyOptions } from './restart-policy.ts'
import type { PendingLogin, UpstreamAuth } from './upstream-auth.ts'

/** Starts one upstream, and again after each failure; knows why it is not there while it is not. */
export function createUpkeep(
  options: RestartPolicyOptions & {
    server: string
    auth: UpstreamAuth
    logger: Logger
    /** Opens its connection. */
    open: () => Promise<unknown>
    /** Reads what it offers, once it is open. */
    read: () => Promise<void>
    onState: () => void
    /** Whoever writes a server wants its own words from every client; else they are the owner's. */
    tellsEverybody: boolean
  },
) {
  const { server, auth, logger } = options
  const policy = createRestartPolicy(options)
  let lastError: string | undefined
  /** Of the last failure, with words of the server's own: for the owner, and for no caller. */
  let ownersReason: string | undefined
  let pendingLogin: PendingLogin | undefined
  let timer: NodeJS.Timeout | undefined
  let starting = 0
  let closed = false

  async function failed(reason: string): Promise<void> {
    if (closed) return
    pendingLogin = await auth.pendingLogin(server)
    if (closed) return
    lastError = pendingLogin?.message ?? reason
    if (!pendingLogin) {
      const delay = policy.failed()
      logger.info('failed', { reason: ownersReason ?? reason, retryInMs: delay })
      clearTimeout(timer)
      timer = setTimeout(() => void start(), delay)
      timer.unref()
    }
    // While a login is needed, trying again cannot help; the login restarts it.
    options.onState()
  }

  async function start(): Promise<void> {
    if (closed) return
    try {
      await connecting()
      if (closed) return
      policy.opened()
      lastError = undefined
      ownersReason = undefined
      pendingLogin = undefined
      await options.read()
      options.onState()
    } catch (error) {
      await failed(failureReason(error))
    }
  }

  async function connecting(): Promise<void> {
    starting += 1
    options.onState()
    try {
      await options.open()
    } finally {
      starting -= 1
    }
  }

  /** Why it is not there, as a caller hears it. */
  function forCallers(reason: string): string {
    return options.tellsEverybody ? (ownersReason ?? reason) : reason
  }

  return {
    start,
    failed,
    forCallers,
    get isStarting() {
      return starting > 0
    },
    /** Starts it for a call. @returns why it must not be, now */
    wake(): string | undefined {
      if (starting > 0) return undefined
      const refusal = policy.refusal()
      if (refusal) return `${refusal}: ${forCallers(lastError ?? '')}`
      clearTimeout(timer)
      void start()
      return undefined
    },
    /** The state of one that is not there. */
    state(isOpening: boolean): {
      state: UpstreamState
      error: string | undefined
      loginUrl: string | undefined
    } {
      const loginUrl = pendingLogin?.loginUrl
      const error = lastError && !pendingLogin ? (ownersReason ?? lastError) : lastError
      if (starting > 0 || isOpening) return { state: 'starting', error, loginUrl }
      if (pendingLogin) return { state: 'login-needed', error, loginUrl }
      return { state: error === undefined ? 'idle' : 'failed', error, loginUrl }
    },
    /** Why it failed, in words for its owner alone; undefined before it is tried again. */
    tellOwner(reason: string | undefined): void {
      ownersReason = reason
    },
    /** Announces its login link anew, after the address it leads through has changed. */
    async refreshLogin(): Promise<void> {
      if (!pendingLogin) return
      pendingLogin = await auth.pendingLogin(server)
      lastError = pendingLogin?.message ?? lastError
      options.onState()
    },
    /** The login it waits for; undefined when it waits for none. */
    async loginNeeded(): Promise<RpcError | undefined> {
      const login = await auth.pendingLogin(server)
      if (!login) return undefined
      const data = { server, loginUrl: login.loginUrl }
      return new RpcError(rpcCodes.upstreamUnavailable, login.message, data)
    },
    /** Forgets what failed, and starts nothing by itself until it fails again. */
    reset(): void {
      policy.reset()
      clearTimeout(timer)
    },
    close(): void {
      closed = true
      clearTimeout(timer)
    },
  }
}
