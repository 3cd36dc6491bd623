import type { Documents } from './store.ts'

/** A document as it is stored, with its place. */
export interface StoredText {
  readonly collection: string
  readonly key: string
  /** JSON; undefined where there is none. */
  readonly text: string | undefined
  readonly expiresAt?: number | undefined
}

/** What transactions need of a database. */
interface TransactionalTexts {
  read(collection: string, key: string): Promise<string | undefined>
  /** Writes everything at once if all that was `seen` still is as it was; else nothing, and says false. */
  commit(seen: readonly StoredText[], written: readonly StoredText[]): Promise<boolean>
}

/**
 * Runs a task on a database that nobody waits for: what it writes is kept aside and committed at its
 * end, and when somebody else was faster it runs again. Each round somebody succeeds.
 */
export async function runTransaction<T>(
  database: TransactionalTexts,
  task: (documents: Documents) => Promise<T>,
): Promise<T> {
  for (;;) {
    const seen = new Map<string, StoredText>()
    const written = new Map<string, StoredText>()
    const placeOf = (collection: string, key: string) => JSON.stringify([collection, key])
    const result = await task({
      async get(collection, key) {
        const place = placeOf(collection, key)
        let known = written.get(place) ?? seen.get(place)
        if (!known) {
          known = { collection, key, text: await database.read(collection, key) }
          seen.set(place, known)
        }
        return known.text === undefined ? undefined : JSON.parse(known.text)
      },
      async set(collection, key, value, { expiresAt } = {}) {
        const text = JSON.stringify(value)
        written.set(placeOf(collection, key), { collection, key, text, expiresAt })
      },
      async delete(collection, key) {
        written.set(placeOf(collection, key), { collection, key, text: undefined })
      },
    })
    if (await database.commit([...seen.values()], [...written.values()])) return result
  }
}
