import { type FSWatcher, watch } from 'node:fs'
import { readFile, realpath } from 'node:fs/promises'
import { basename, dirname } from 'node:path'
import type { ResolvedConfig } from './resolved-config.ts'

export interface WatchConfigOptions {
  /** Called after the content of the configuration file has changed; never while it is missing. */
  readonly onChange: () => void
  /** Called once when the file has been gone for longer than a save takes. */
  readonly onMissing?: () => void
  /** Called when watching is not possible (any more); edits then go unnoticed. */
  readonly onError?: (error: unknown) => void
  /** Ends the watching. */
  readonly signal: AbortSignal
  /** Silence to wait for after an event, ms: one save makes several. */
  readonly settleMs?: number
  /** How long the file may be gone, ms. */
  readonly missingMs?: number
}

/**
 * Watches the configuration file until the signal aborts; resolves once it does. The folder is
 * watched, since editors save by renaming a new file over the old one.
 */
export async function watchConfig(
  config: Pick<ResolvedConfig, 'configFile'>,
  options: WatchConfigOptions,
): Promise<void> {
  const { configFile } = config
  const { signal, settleMs = 100, missingMs = 1_000 } = options
  // A file that is a link changes where it points to as well as where it stands.
  const target = await realpath(configFile).catch(() => configFile)
  let content = await contentOf(configFile)
  let timer: NodeJS.Timeout | undefined

  async function check(wasMissing = false): Promise<void> {
    const next = await contentOf(configFile)
    if (signal.aborted) return
    if (next === undefined) {
      if (wasMissing) options.onMissing?.()
      else schedule(missingMs, true)
      return
    }
    if (next === content) return
    content = next
    options.onChange()
  }
  function schedule(ms: number, wasMissing = false): void {
    clearTimeout(timer)
    timer = setTimeout(check, ms, wasMissing)
  }

  if (signal.aborted) return
  signal.addEventListener('abort', () => clearTimeout(timer), { once: true })
  for (const file of new Set([configFile, target])) {
    watchFolderOf(file, { onEvent: () => schedule(settleMs), onError: options.onError, signal })
  }
}

function watchFolderOf(
  file: string,
  options: {
    onEvent: () => void
    onError: ((error: unknown) => void) | undefined
    signal: AbortSignal
  },
): FSWatcher | undefined {
  const name = basename(file)
  try {
    const watcher = watch(dirname(file), { signal: options.signal }, (_event, changed) => {
      // Some systems do not say which file it was.
      if (changed === null || changed === name) options.onEvent()
    })
    return watcher.on('error', (error) => options.onError?.(error))
  } catch (error) {
    options.onError?.(error)
    return undefined
  }
}

/** Undefined while the file is missing, as it is for a moment during some saves. */
async function contentOf(file: string): Promise<string | undefined> {
  return readFile(file, 'utf8').catch(() => undefined)
}
