import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'

export interface CodexServer {
  readonly name: string
  readonly tools?: Readonly<Record<string, unknown>>
}

/** Starts `codex app-server` and asks it, over its JSON-RPC on stdio, for its MCP servers. */
export async function listCodexServers(
  bin: string,
  options: { cwd: string; env: Record<string, string>; timeoutMs: number },
): Promise<readonly CodexServer[]> {
  const { cwd, env, timeoutMs } = options
  const child = spawn(bin, ['app-server'], { cwd, env, stdio: ['pipe', 'pipe', 'ignore'] })
  const send = (message: object) => child.stdin.write(`${JSON.stringify(message)}\n`)
  const gone = new Promise((resolve) => child.once('close', resolve))
  try {
    return await new Promise((resolve, reject) => {
      AbortSignal.timeout(timeoutMs).addEventListener('abort', () => reject(new Error('no answer')))
      child.once('error', reject)
      child.once('exit', (code) => reject(new Error(`codex ended with ${code}`)))
      createInterface({ input: child.stdout }).on('line', (line) => {
        const { id, result } = JSON.parse(line) as {
          id?: number
          result?: { data?: readonly CodexServer[] }
        }
        if (id === 1) {
          send({ jsonrpc: '2.0', method: 'initialized' })
          send({ jsonrpc: '2.0', id: 2, method: 'mcpServerStatus/list', params: {} })
        }
        if (id === 2) resolve(result?.data ?? [])
      })
      const clientInfo = { name: 'e2e', title: 'e2e', version: '1.0.0' }
      send({ jsonrpc: '2.0', id: 1, method: 'initialize', params: { clientInfo } })
    })
  } finally {
    child.kill('SIGKILL')
    await gone
  }
}
