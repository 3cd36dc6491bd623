import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { runCommand } from '../e2e/run-command.ts'
import type { PublishedServer } from './published-servers.ts'

export type Program = { ok: true; file: string } | { ok: false; reason: string }

/**
 * Installs the servers into a folder that is kept, without running anything of theirs; what is there
 * already is not asked for again. One that npm does not install here costs the others nothing.
 */
export async function installServers(
  servers: readonly PublishedServer[],
  folder: string,
): Promise<Map<PublishedServer, Program>> {
  await mkdir(folder, { recursive: true })
  await writeFile(join(folder, 'package.json'), '{"private":true}\n', { flag: 'wx' }).catch(() => {
    // It is there from the last time.
  })
  const reasons = new Map<PublishedServer, string>()
  const missing = await withoutProgram(servers, folder)
  if (missing.length > 0 && (await npmInstall(missing, folder)) !== undefined) {
    for (const server of missing) {
      const failure = await npmInstall([server], folder)
      if (failure !== undefined) reasons.set(server, failure)
    }
  }
  const programs = servers.map(async (server): Promise<[PublishedServer, Program]> => {
    const file = await programOf(server, folder)
    if (file !== undefined) return [server, { ok: true, file }]
    return [server, { ok: false, reason: reasons.get(server) ?? 'npm did not install it' }]
  })
  return new Map(await Promise.all(programs))
}

export const nameOf = ({ package: spec }: PublishedServer) => spec.slice(0, spec.lastIndexOf('@'))

async function withoutProgram(servers: readonly PublishedServer[], folder: string) {
  const found = await Promise.all(servers.map((server) => programOf(server, folder)))
  return servers.filter((_server, index) => found[index] === undefined)
}

/** @returns why it failed */
async function npmInstall(servers: readonly PublishedServer[], folder: string) {
  const quiet = ['--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline', '--force']
  const specs = servers.map((server) => server.package)
  const { exitCode, output } = await runCommand('npm', ['install', ...quiet, ...specs], {
    cwd: folder,
    timeoutMs: 900_000,
  })
  return exitCode === 0 ? undefined : output.trim().split('\n').slice(-5).join('\n')
}

/** The program of a package of the wanted version, from its `bin`. */
async function programOf(server: PublishedServer, folder: string): Promise<string | undefined> {
  const name = nameOf(server)
  const home = join(folder, 'node_modules', name)
  try {
    const { bin, version } = JSON.parse(await readFile(join(home, 'package.json'), 'utf8'))
    if (`${name}@${version}` !== server.package) return undefined
    const [first] = typeof bin === 'string' ? [bin] : Object.values(bin as Record<string, string>)
    return first === undefined ? undefined : join(home, first)
  } catch {
    // Not installed.
    return undefined
  }
}
