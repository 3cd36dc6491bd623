/** A document as it is listed. */
interface StoredDocument {
  readonly key: string
  readonly value: unknown
}

/** Single documents: of the whole store, or as one transaction sees them. */
export interface Documents {
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
}

/**
 * Small durable state, kept as JSON documents under a collection and a key. Several processes may
 * share it. Reads and writes are local today; the port is asynchronous so that a database elsewhere
 * can stand in, which passes the same tests (`test/store/store.contract.ts`).
 */
export interface Store extends Documents {
  /**
   * The documents of a collection whose time is not over, in the order of their keys: all of them, or
   * the next `limit` that come after the key `after`.
   */
  list(
    collection: string,
    page?: { readonly limit?: number; readonly after?: string },
  ): Promise<StoredDocument[]>
  /**
   * Leaves at most `keep` of the documents of a collection that end by themselves; those that end
   * first go. Reads none of them.
   */
  trim(collection: string, keep: number): Promise<void>
  /**
   * Writes all that `task` wrote, or nothing when it throws; and only while everything it read is as
   * it read it, whichever process writes. Otherwise the task runs again, so it changes nothing but
   * its documents. To compare and set is to read, judge and write in one transaction.
   */
  transaction<T>(task: (documents: Documents) => Promise<T>): Promise<T>
  close(): Promise<void>
}
