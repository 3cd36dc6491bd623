import { execFile } from 'node:child_process'
import { readdir, readFile, readlink } from 'node:fs/promises'
import { promisify } from 'node:util'

/**
 * The program that listens on a TCP port, as `node (pid 4242)`; undefined where the system does
 * not tell, such as for another user's process.
 */
export async function portHolder(port: number): Promise<string | undefined> {
  try {
    return process.platform === 'linux' ? await fromProc(port) : await fromLsof(port)
  } catch {
    // Only a courtesy: the port is taken whoever holds it.
    return undefined
  }
}

async function fromProc(port: number): Promise<string | undefined> {
  const inodes = new Set<string>()
  const hexPort = port.toString(16).toUpperCase().padStart(4, '0')
  for (const table of ['/proc/net/tcp', '/proc/net/tcp6']) {
    const lines = (await readFile(table, 'utf8').catch(() => '')).split('\n').slice(1)
    for (const line of lines) {
      // proc(5): local address, remote address, state (0A is LISTEN), …, inode in the tenth column.
      const columns = line.trim().split(/\s+/)
      const listens = columns[1]?.endsWith(`:${hexPort}`) && columns[3] === '0A'
      if (listens && columns[9]) inodes.add(`socket:[${columns[9]}]`)
    }
  }
  if (inodes.size === 0) return undefined
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    if (await holdsOneOf(pid, inodes)) {
      const name = (await readFile(`/proc/${pid}/comm`, 'utf8')).trim()
      return `${name} (pid ${pid})`
    }
  }
  return undefined
}

async function holdsOneOf(pid: string, inodes: ReadonlySet<string>): Promise<boolean> {
  const descriptors = await readdir(`/proc/${pid}/fd`).catch(() => [])
  for (const descriptor of descriptors) {
    const target = await readlink(`/proc/${pid}/fd/${descriptor}`).catch(() => '')
    if (inodes.has(target)) return true
  }
  return false
}

/** lsof's field output: `p` is the pid, `c` the command. */
async function fromLsof(port: number): Promise<string | undefined> {
  const { stdout } = await promisify(execFile)(
    'lsof',
    ['-nP', `-iTCP:${port}`, '-sTCP:LISTEN', '-Fpc'],
    { timeout: 2_000 },
  )
  const field = (letter: string) => new RegExp(`^${letter}(.+)$`, 'm').exec(stdout)?.[1]
  const pid = field('p')
  return pid && `${field('c') ?? 'a program'} (pid ${pid})`
}
