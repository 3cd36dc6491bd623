/** An MCP client as people use it, which logs in to a profile by itself. */
export interface OAuthClient {
  readonly name: string
  /**
   * Adds the server, logs in when refused, lists the tools, says "hello" to `echo`, and comes back
   * later. The login waits for the browser it opened.
   * @throws when any of that fails; what the client said is in the message
   */
  use(server: ServerToUse): Promise<ClientReport>
}

export interface ServerToUse {
  readonly name: string
  readonly url: string
  /** All the client is given: where programs and browser are, and the authority to trust. */
  readonly environment: Readonly<Record<string, string>>
}

export interface ClientReport {
  readonly tools: readonly string[]
  /** Whatever contains the answer of `echo`. */
  readonly echo: string
  /** It was let in once more, later, with what it had kept. */
  readonly cameBack: boolean
}
