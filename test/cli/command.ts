import { spawn } from 'node:child_process'
import { once } from 'node:events'

const main = new URL('../../src/cli/main.ts', import.meta.url).pathname

export interface CommandRun {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

/** Runs the real program in a folder, with PATH and `env` as its whole environment. */
export async function sallyport(
  args: readonly string[],
  options: { cwd: string; env: Readonly<Record<string, string>> },
): Promise<CommandRun> {
  const env = { PATH: process.env.PATH ?? '', ...options.env }
  const child = spawn(process.execPath, [main, ...args], { cwd: options.cwd, env })
  child.stdin.end()
  let out = ''
  let err = ''
  child.stdout.setEncoding('utf8').on('data', (text) => {
    out += text
  })
  child.stderr.setEncoding('utf8').on('data', (text) => {
    err += text
  })
  const [code] = await once(child, 'close')
  return { code, out, err }
}
