import { X509Certificate } from 'node:crypto'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { confirm, isCancel } from '@clack/prompts'
import { loadConfig } from '../../config/load.ts'
import type { ResolvedConfig } from '../../config/resolved-config.ts'
import { UserError } from '../../errors.ts'
import { lookAtAuthority, openCertificate } from '../../gateway/open-certificate.ts'
import { createLogger } from '../../lib/logger.ts'
import { createRunCommand } from '../../lib/run-command.ts'
import { authorityFiles, resolveMkcertRoot } from '../../tls/authority.ts'
import { defaultCaRoot } from '../../tls/own-authority.ts'
import { findStores } from '../../tls/stores/find-stores.ts'
import { createInstalledRecord } from '../../tls/stores/install-authority.ts'
import type { TrustedAuthority } from '../../tls/stores/trust-store.ts'
import { updateHomeFile } from '../../tls/trust-files.ts'
import type { CommandWorld } from '../command-world.ts'
import type { TrustDeps } from './trust.ts'

/** What `trust` is made of in the real world. */
export async function createTrustDeps(world: CommandWorld): Promise<TrustDeps> {
  const { output, process } = world
  const { platform } = process
  const { config } = await loadConfig({ projectDir: process.cwd() })
  const { environment } = config
  const run = createRunCommand(environment)
  const home = environment.HOME || homedir()
  const isTerminal = process.stdin.isTTY && process.stderr.isTTY && !output.json
  return {
    output,
    setting: { platform, isRoot: process.getuid?.() === 0 },
    confirm: isTerminal
      ? async (message) => {
          const answer = await confirm({ message, initialValue: false, output: process.stderr })
          return !isCancel(answer) && answer
        }
      : undefined,
    authority: () => openAuthority(config, world),
    lookAtAuthority: () => lookForAuthority(config),
    stores: (kinds) => findStores(kinds, { platform, environment, home, run }),
    record: createInstalledRecord(config.tls.caRoot ?? defaultCaRoot()),
    run,
    wsl: environment.WSL_DISTRO_NAME || undefined,
  }
}

async function openAuthority(
  config: ResolvedConfig,
  { output, process }: CommandWorld,
): Promise<TrustedAuthority> {
  const logger = createLogger({ level: config.logLevel, destination: { write: output.log } })
  const opened = await openCertificate(config, { file: () => config, logger })
  try {
    const { source, caCertPem } = opened.current()
    if (source === 'files' || caCertPem === undefined) throw notOurs()
    const mkcertRoot = resolveMkcertRoot(process.platform, config.tls.mkcertEnvironment)
    const file =
      source === 'mkcert' && mkcertRoot !== undefined
        ? authorityFiles(mkcertRoot).certFile
        : await withoutKey(config, caCertPem)
    return { certificate: new X509Certificate(caCertPem), file }
  } finally {
    await opened.close()
  }
}

async function lookForAuthority(config: ResolvedConfig): Promise<TrustedAuthority | undefined> {
  if (config.tls.certPath !== undefined) throw notOurs()
  const found = await lookAtAuthority(config)
  if (!found) return undefined
  const { source, certificate, file } = found
  return { certificate, file: source === 'mkcert' ? file : publicFile(config) }
}

/** A copy in a folder without the key: other programs are led there, some of them as root. */
async function withoutKey(config: ResolvedConfig, pem: string): Promise<string> {
  const file = publicFile(config)
  await updateHomeFile(file, pem, { mode: 0o644 })
  return file
}

function publicFile({ tls }: ResolvedConfig): string {
  return authorityFiles(join(tls.caRoot ?? defaultCaRoot(), 'public')).certFile
}

function notOurs(): UserError {
  return new UserError(
    'CA_UNUSABLE',
    'The certificate that is served is your own (SSL_CERT_PATH), so there is no authority of ours to trust.',
    { hint: 'Remove SSL_CERT_PATH and SSL_KEY_PATH to be served by our authority.' },
  )
}
