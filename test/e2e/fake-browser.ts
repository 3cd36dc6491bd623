import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises'
import { delimiter, dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

/** A browser command that only notes which address a program wanted to open. */
export interface FakeBrowser {
  /** Makes a child process open this browser, and run on the Node that runs us. */
  readonly environment: { readonly PATH: string; readonly BROWSER: string }
  /** The addresses so far, in order. */
  opened(): Promise<string[]>
  /** Waits for the next address after the first `count`; rejects when `signal` aborts. */
  next(count: number, signal: AbortSignal): Promise<string>
}

// Clients ask for one of these, or honour BROWSER.
const commands = ['browser', 'xdg-open', 'open', 'sensible-browser', 'x-www-browser']

export async function createFakeBrowser(folder: string): Promise<FakeBrowser> {
  const bin = join(folder, 'bin')
  const file = join(folder, 'opened')
  await mkdir(bin, { recursive: true })
  await writeFile(file, '')
  for (const command of commands) {
    await writeFile(join(bin, command), `#!/bin/sh\nprintf '%s\\n' "$1" >> '${file}'\n`)
    await chmod(join(bin, command), 0o755)
  }
  const path = [bin, dirname(process.execPath), process.env.PATH ?? ''].join(delimiter)
  const opened = async () =>
    (await readFile(file, 'utf8')).split('\n').filter((line) => line !== '')
  return {
    environment: { PATH: path, BROWSER: join(bin, 'browser') },
    opened,
    async next(count, signal) {
      for (;;) {
        const url = (await opened())[count]
        if (url !== undefined) return url
        await sleep(100, undefined, { signal })
      }
    },
  }
}
