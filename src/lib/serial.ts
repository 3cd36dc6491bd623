/** Runs one job after the other. The promise settles as the job does; a failed job stops none that follows. */
type Serial = <T>(job: () => Promise<T> | T) => Promise<T>

/** A queue of its own for what must not happen twice at a time. */
export function createSerial(): Serial {
  let last: Promise<unknown> = Promise.resolve()
  return (job) => {
    const next = last.then(job)
    // Its failure belongs to whoever asked for it.
    last = next.catch(() => {})
    return next
  }
}
