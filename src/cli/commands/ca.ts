import { UserError } from '../../errors.ts'
import { nearestName } from '../../lib/nearest-name.ts'
import type { UploadedFile } from '../../tls/upstream/certificate-file.ts'
import type { UpstreamDiagnosis } from '../../tls/upstream/diagnose-upstream.ts'
import type { BundleChange } from '../../tls/upstream/signed-bundles.ts'
import type { UpstreamBundles } from '../../tls/upstream/upstream-bundles.ts'
import type { Output } from '../output.ts'
import { formatAudit, formatBundles, formatOutcome } from '../ui/ca-lists.ts'
import { formatDiagnosis } from '../ui/tls-diagnosis.ts'

/** What `ca` is made of. It works beside a running gateway, whose next connections follow. */
export interface CaDeps {
  readonly output: Output
  /** The URL of each configured server; undefined for those that are commands. */
  readonly servers: Readonly<Record<string, string | undefined>>
  readonly bundles: UpstreamBundles
  readonly change: BundleChange
  /** @throws UserError USAGE when the file cannot be read */
  readonly readFile: (path: string) => Promise<UploadedFile>
  readonly diagnose: (server: string, url: string) => Promise<UpstreamDiagnosis>
}

export interface AddFlags {
  readonly replace?: boolean
  readonly clientCert?: string
  readonly clientKey?: string
}

/**
 * Adds authorities, a client certificate, or both. Resolves with 1 when a file is refused.
 * @throws UserError USAGE for an unknown server, a half of a pair, or nothing to add
 */
export async function addToBundle(
  { server, files, flags }: { server: string; files: readonly string[]; flags: AddFlags },
  deps: CaDeps,
): Promise<number> {
  requireUrl(server, deps)
  const { output } = deps
  const { clientCert, clientKey, replace = false } = flags
  if ((clientCert === undefined) !== (clientKey === undefined)) {
    throw new UserError('USAGE', 'A client certificate and its key go together.', {
      hint: 'Give both --client-cert and --client-key.',
    })
  }
  if (files.length === 0 && clientCert === undefined) {
    throw new UserError('USAGE', 'There is nothing to add.', {
      hint: `For instance: pnpm sallyport ca add ${server} root.pem`,
    })
  }
  const outcome = await deps.bundles.put(
    server,
    {
      mode: replace ? 'replace' : 'add',
      files: await Promise.all(files.map(deps.readFile)),
      clientCertificate: await readPair(flags, deps),
    },
    deps.change,
  )
  output.data({ server, ...outcome })
  output.answer(formatOutcome(server, outcome, output.screen('stdout')))
  return outcome.accepted ? 0 : 1
}

export async function listBundles({ output, bundles }: CaDeps): Promise<number> {
  const list = await bundles.list()
  output.data({ bundles: list })
  output.answer(formatBundles(list, output.screen('stdout')))
  return 0
}

/** @throws UserError USAGE when nothing is kept for the server */
export async function removeBundle(
  { server, clientCertificateOnly }: { server: string; clientCertificateOnly: boolean },
  { output, bundles, change }: CaDeps,
): Promise<number> {
  const remove = clientCertificateOnly ? bundles.removeClientCertificate : bundles.remove
  const what = clientCertificateOnly ? 'client certificate' : 'CA bundle'
  if (!(await remove(server, change))) {
    const known = (await bundles.list()).map((bundle) => bundle.server)
    throw new UserError('USAGE', `No ${what} is kept for ${JSON.stringify(server)}.`, {
      hint:
        known.length > 0 ? `Something is kept for ${known.join(', ')}.` : 'None is kept at all.',
    })
  }
  output.data({ removed: server, clientCertificateOnly })
  output.answer(`  Removed the ${what} of ${server}. New connections do without it.`)
  return 0
}

/** Resolves with 1 when the server's chain does not verify. */
export async function testServer(server: string, deps: CaDeps): Promise<number> {
  const { output } = deps
  const diagnosis = await deps.diagnose(server, requireUrl(server, deps))
  output.data(diagnosis)
  output.answer(formatDiagnosis(diagnosis, output.screen('stdout')))
  return diagnosis.verifies ? 0 : 1
}

export async function showAudit(
  server: string | undefined,
  { output, bundles }: CaDeps,
): Promise<number> {
  const entries = await bundles.audit(server)
  output.data({ entries })
  output.answer(formatAudit(entries))
  return 0
}

export async function rotateBundleKeys({ output, bundles, change }: CaDeps): Promise<number> {
  const { keyId, resigned } = await bundles.rotateKeys(change)
  output.data({ keyId, resigned })
  const signed = resigned.length > 0 ? `Signed again: ${resigned.join(', ')}.` : 'None is kept.'
  output.answer(`  CA bundles are signed with the key ${keyId} from now on. ${signed}`)
  return 0
}

async function readPair(
  { clientCert, clientKey }: Pick<AddFlags, 'clientCert' | 'clientKey'>,
  { readFile }: CaDeps,
) {
  if (clientCert === undefined || clientKey === undefined) return undefined
  return { cert: await readFile(clientCert), key: await readFile(clientKey) }
}

function requireUrl(server: string, { servers }: CaDeps): string {
  if (!Object.hasOwn(servers, server)) {
    const names = Object.keys(servers)
    const meant = nearestName(server, names)
    throw new UserError('USAGE', `There is no server ${JSON.stringify(server)}.`, {
      hint: `${meant === undefined ? '' : `Did you mean ${meant}? `}Servers are ${names.join(', ')}.`,
    })
  }
  const url = servers[server]
  if (url !== undefined) return url
  throw new UserError('USAGE', `The server ${JSON.stringify(server)} is a command, not a URL.`, {
    hint: 'Only connections to http and sse servers use certificates.',
  })
}
