/** A document as it is listed. */
export interface StoredDocument {
  readonly key: string
  readonly value: unknown
}

/**
 * Small durable state, kept as JSON documents under a collection and a key. Reads and writes are
 * synchronous and local today; the port is asynchronous so that a database elsewhere can stand in.
 */
export interface Store {
  /** The document, or undefined when there is none, or its time is over. */
  get(collection: string, key: string): Promise<unknown>
  /** @param options.expiresAt milliseconds since the epoch; left out, it stays */
  set(
    collection: string,
    key: string,
    value: unknown,
    options?: { readonly expiresAt?: number | undefined },
  ): Promise<void>
  delete(collection: string, key: string): Promise<void>
  /** Every document of a collection whose time is not over, in the order of their keys. */
  list(collection: string): Promise<StoredDocument[]>
  /**
   * Leaves at most `keep` of the documents of a collection that end by themselves; those that end
   * first go. Reads none of them.
   */
  trim(collection: string, keep: number): Promise<void>
  close(): void
}
