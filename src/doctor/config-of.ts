import { relative } from 'node:path'
import type { ResolvedConfig } from '../config/resolved-config.ts'
import { ownCertificateFiles } from '../gateway/open-certificate.ts'
import { shortPath } from '../lib/wording.ts'
import { type LocalFiles, readLocalFiles } from '../tls/local-files.ts'
import type { DoctorWorld, RunningGateway } from './world.ts'

/** The configuration; undefined while it cannot be read, which a check of its own reports. */
export function configOf({ configuration }: DoctorWorld): ResolvedConfig | undefined {
  return configuration.ok ? configuration.config : undefined
}

/** The gateway of this folder, if it runs and answers. */
export function runningGateway({ gateway }: DoctorWorld): RunningGateway | undefined {
  return gateway.state === 'running' ? gateway : undefined
}

/** The address clients are meant to use; undefined when only a start could tell. */
export function addressOf(world: DoctorWorld): string | undefined {
  const running = runningGateway(world)
  if (running) return running.appUrl
  const config = configOf(world)
  if (!config || config.appUrl !== undefined) return config?.appUrl
  const { httpPort, httpsPort } = config.listen
  if (config.tunnel === 'local' && httpsPort !== 0) return `https://localhost:${httpsPort}`
  return config.tunnel === 'none' && httpPort !== 0 ? `http://localhost:${httpPort}` : undefined
}

/** The address that leads here from elsewhere, if there is one. */
export function publicOriginIn(world: DoctorWorld): string | undefined {
  const running = runningGateway(world)
  return running ? running.publicOrigin : configOf(world)?.appUrl
}

/** What is, or would be, served on this machine. */
export function localFilesOf(
  world: Pick<DoctorWorld, 'home' | 'configuration' | 'readText' | 'now'>,
): Promise<LocalFiles> {
  const { home, configuration, readText } = world
  const own = configuration.ok ? ownCertificateFiles(configuration.config) : undefined
  return readLocalFiles({ home, own, readText, now: world.now() })
}

/** A path as somebody in the project would name it, the home folder as `~`. */
export function namePath(path: string, { projectDir, folders }: DoctorWorld): string {
  const short = shortPath(path, projectDir)
  if (short !== path) return short
  const below = relative(folders.home, path)
  return below.startsWith('..') ? path : `~/${below}`
}
