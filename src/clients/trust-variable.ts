/** An environment variable by which a runtime or a client is told whom to trust. */
export interface TrustVariable {
  readonly name: string
  /**
   * Which file it takes: `ca`, the authority alone, where it adds to the built-in roots; `bundle`,
   * the system's roots and the authority, where it replaces them. Anything else is a fixed value.
   */
  readonly value: { readonly file: 'ca' | 'bundle' } | { readonly text: string }
}
