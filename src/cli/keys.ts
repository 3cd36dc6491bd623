/** The part of a terminal's input that keys need. */
export interface KeyInput {
  readonly isTTY?: boolean | undefined
  setRawMode?(raw: boolean): unknown
  on(event: 'data', listener: (chunk: Buffer | string) => void): unknown
  off(event: 'data', listener: (chunk: Buffer | string) => void): unknown
  resume(): unknown
  pause(): unknown
}

/** What to do for each key. `interrupt` is Ctrl-C, `end` is Ctrl-D. */
export type KeyActions = Readonly<Record<string, (() => void) | undefined>>

/**
 * Listens to single keys of a terminal; does nothing where there is none. The result stops it and
 * gives the terminal its normal mode back; safe to call twice, and from an `exit` handler.
 */
export function listenToKeys(input: KeyInput, actions: KeyActions): () => void {
  if (!input.isTTY || !input.setRawMode) return () => {}
  const onData = (chunk: Buffer | string) => {
    const key = keyOf(String(chunk))
    if (key !== undefined) actions[keyNames[key] ?? key]?.()
  }
  input.setRawMode(true)
  input.on('data', onData)
  input.resume()
  let listening = true
  return () => {
    if (!listening) return
    listening = false
    input.off('data', onData)
    input.setRawMode?.(false)
    input.pause()
  }
}

// Several keys can come at once. Among them only Ctrl-C counts: the rest may be pasted text.
function keyOf(chunk: string): string | undefined {
  const text = chunk.replaceAll(escapeSequence, '')
  if (text.includes(ctrlC)) return ctrlC
  return text.length === 1 ? text : undefined
}

const ctrlC = '\x03'
// Arrows, function keys and the marks around pasted text (ECMA-48 CSI and SS3).
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what this is about
const escapeSequence = /\x1b(?:\[[\d;?]*[ -/]*[@-~]|O.)/g

const keyNames: Readonly<Record<string, string>> = { [ctrlC]: 'interrupt', '\x04': 'end' }
