import { get } from 'node:http'

/**
 * Reads a JSON document from a server on this machine, over a connection of its own that is closed
 * afterwards.
 * @returns undefined while nothing useful is answered there
 */
export function readLoopbackJson(
  url: string,
  signal: AbortSignal,
): Promise<{ status: number; body: unknown } | undefined> {
  return new Promise((resolve) => {
    const request = get(url, { agent: false, signal, timeout: 2_000 }, async (response) => {
      try {
        const text = (await response.toArray()).join('')
        resolve({ status: response.statusCode ?? 0, body: JSON.parse(text) })
      } catch {
        // Cut off, or no JSON: not an answer of the server we mean.
        resolve(undefined)
      }
    })
    request.on('timeout', () => request.destroy())
    request.on('error', () => resolve(undefined))
  })
}
