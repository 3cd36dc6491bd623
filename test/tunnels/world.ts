import { readdirSync, readFileSync } from 'node:fs'
import { PassThrough } from 'node:stream'
import { createLogger } from '../../src/lib/logger.ts'
import { createProcessReaper, type ProcessReaper } from '../../src/lib/process-reaper.ts'
import type { TunnelDependencies } from '../../src/tunnels/tunnel-provider.ts'

/** What a provider is given in a test, and a way to see what it made of it. */
export interface World {
  readonly dependencies: TunnelDependencies
  /** Every client that was started, in order. */
  readonly started: readonly number[]
  /** Those whose group still has a process. */
  running(): number[]
  /** Command lines of the running clients and of everything they have started. */
  commandLines(): string
  /** Everything that was logged. */
  logged(): string
  close(): void
}

export function createWorld(environment: Record<string, string> = {}): World {
  const reaper = createProcessReaper()
  const started: number[] = []
  const recording: ProcessReaper = {
    watch(pid) {
      started.push(pid)
      return reaper.watch(pid)
    },
    close: reaper.close,
  }
  const lines = new PassThrough()
  let logged = ''
  lines.on('data', (chunk: Buffer) => {
    logged += chunk
  })
  const running = () => started.filter((group) => membersOf(group).length > 0)
  return {
    dependencies: {
      reaper: recording,
      logger: createLogger({ level: 'trace', destination: lines }),
      environment: { ...process.env, ...environment },
    },
    started,
    running,
    commandLines: () =>
      started
        .flatMap(membersOf)
        .map((pid) => readProcess(pid, 'cmdline'))
        .join('\n'),
    logged: () => logged,
    close: () => reaper.close(),
  }
}

/** Processes of a group. One that is dead and waits to be collected is none any more. */
function membersOf(group: number): number[] {
  const pids = readdirSync('/proc').map(Number).filter(Boolean)
  return pids.filter((pid) => {
    const stat = readProcess(pid, 'stat')
    // proc_pid_stat(5): after the name in parentheses come state, parent and group.
    const [state, , pgrp] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return pgrp === String(group) && state !== 'Z'
  })
}

function readProcess(pid: number, file: 'stat' | 'cmdline'): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8').replaceAll('\0', ' ')
  } catch {
    // It has ended since it was listed.
    return ''
  }
}
