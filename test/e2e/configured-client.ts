/** A real MCP client that has nothing but the file that was written for it. */
export interface ConfiguredClient {
  /** Its id on our command line. */
  readonly id: string
  readonly name: string
  /** Its home folder, which nobody else uses. */
  readonly home: string
  /** Loads its configuration, connects and says how that went with a server, `sallyport` unless named. */
  connect(environment: Readonly<Record<string, string>>, server?: string): Promise<ConnectionReport>
}

export interface ConnectionReport {
  /** It has the server in its configuration. */
  readonly known: boolean
  readonly connected: boolean
  /** What it said. */
  readonly output: string
}

/** Where a client's program is, and what runs it. */
export interface InstalledProgram {
  readonly bin: string
  readonly home: string
  /** The programs it finds. */
  readonly path: string
}
