/**
 * Small durable state, kept as JSON documents under a collection and a key. Reads and writes are
 * synchronous and local today; the port is asynchronous so that a database elsewhere can stand in.
 */
export interface Store {
  /** The document, or undefined when there is none. */
  get(collection: string, key: string): Promise<unknown>
  set(collection: string, key: string, value: unknown): Promise<void>
  delete(collection: string, key: string): Promise<void>
  close(): void
}
