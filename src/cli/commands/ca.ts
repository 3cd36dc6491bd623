import { open } from 'node:fs/promises'
import { userInfo } from 'node:os'
import { basename, resolve } from 'node:path'
import type { ResolvedConfig } from '../../config/resolved-config.ts'
import { messageOf, UserError } from '../../errors.ts'
import { nearestName } from '../../lib/nearest-name.ts'
import { ownValue } from '../../lib/objects.ts'
import { maxFileBytes, type UploadedFile } from '../../tls/upstream/certificate-file.ts'
import { diagnoseServer, openUpstreamBundles } from '../../tls/upstream/open-upstream-bundles.ts'
import type { BundleChange } from '../../tls/upstream/signed-bundles.ts'
import type { UpstreamBundles } from '../../tls/upstream/upstream-bundles.ts'
import type { Output, World } from '../output.ts'
import { formatAudit, formatBundles, formatDiagnosis, formatOutcome } from '../ui/ca.ts'
import { withStore } from './with-store.ts'

export interface AddFlags {
  readonly replace?: boolean
  readonly clientCert?: string
  readonly clientKey?: string
}

/**
 * Adds authorities, a client certificate, or both. Resolves with 1 when a file is refused.
 * @throws UserError USAGE for an unknown server, a half of a pair, or nothing to add
 */
export function addToBundle(
  { server, files, flags }: { server: string; files: readonly string[]; flags: AddFlags },
  world: World,
): Promise<number> {
  return withBundles(world, async ({ output, config, bundles, change }) => {
    requireUrl(server, config)
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
    const read = (path: string) => readBounded(resolve(world.process.cwd(), path))
    const outcome = await bundles.put(
      server,
      {
        mode: replace ? 'replace' : 'add',
        files: await Promise.all(files.map(read)),
        clientCertificate:
          clientCert === undefined || clientKey === undefined
            ? undefined
            : { cert: await read(clientCert), key: await read(clientKey) },
      },
      change,
    )
    output.data({ server, ...outcome })
    output.answer(formatOutcome(server, outcome, output.stdout))
    return outcome.accepted ? 0 : 1
  })
}

export function listBundles(world: World): Promise<number> {
  return withBundles(world, async ({ output, bundles }) => {
    const list = await bundles.list()
    output.data({ bundles: list })
    output.answer(formatBundles(list, output.stdout))
    return 0
  })
}

/** @throws UserError USAGE when nothing is kept for the server */
export function removeBundle(
  { server, clientCertificateOnly }: { server: string; clientCertificateOnly: boolean },
  world: World,
): Promise<number> {
  return withBundles(world, async ({ output, bundles, change }) => {
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
  })
}

/** Resolves with 1 when the server's chain does not verify. */
export function testServer(server: string, world: World): Promise<number> {
  return withBundles(world, async ({ output, config, bundles }) => {
    const url = requireUrl(server, config)
    const diagnosis = await diagnoseServer({ name: server, url }, bundles)
    output.data(diagnosis)
    output.answer(formatDiagnosis(diagnosis, output.stdout))
    return diagnosis.verifies ? 0 : 1
  })
}

export function showAudit(server: string | undefined, world: World): Promise<number> {
  return withBundles(world, async ({ output, bundles }) => {
    const entries = await bundles.audit(server)
    output.data({ entries })
    output.answer(formatAudit(entries))
    return 0
  })
}

export function rotateBundleKeys(world: World): Promise<number> {
  return withBundles(world, async ({ output, bundles, change }) => {
    const { keyId, resigned } = await bundles.rotateKeys(change)
    output.data({ keyId, resigned })
    const signed = resigned.length > 0 ? `Signed again: ${resigned.join(', ')}.` : 'None is kept.'
    output.answer(`  CA bundles are signed with the key ${keyId} from now on. ${signed}`)
    return 0
  })
}

/** Runs a command on the bundles of this folder; a running gateway's next connections follow. */
function withBundles(
  { output, process }: World,
  run: (ca: {
    output: Output
    config: ResolvedConfig
    bundles: UpstreamBundles
    change: BundleChange
  }) => Promise<number>,
): Promise<number> {
  return withStore({ process }, ({ config, store }) =>
    run({
      output,
      config,
      bundles: openUpstreamBundles({ config, store }),
      change: { by: userName(), from: 'cli' },
    }),
  )
}

function requireUrl(name: string, { servers }: ResolvedConfig): string {
  const server = ownValue(servers, name)
  if (!server) {
    const names = Object.keys(servers)
    const meant = nearestName(name, names)
    throw new UserError('USAGE', `There is no server ${JSON.stringify(name)}.`, {
      hint: `${meant === undefined ? '' : `Did you mean ${meant}? `}Servers are ${names.join(', ')}.`,
    })
  }
  if (server.type !== 'stdio') return server.url
  throw new UserError('USAGE', `The server ${JSON.stringify(name)} is a command, not a URL.`, {
    hint: 'Only connections to http and sse servers use certificates.',
  })
}

/** The file, or so much of it as shows that it is too large. */
async function readBounded(path: string): Promise<UploadedFile> {
  try {
    await using file = await open(path)
    const buffer = Buffer.alloc(Math.min((await file.stat()).size, maxFileBytes + 1))
    const { bytesRead } = await file.read(buffer, 0, buffer.length, 0)
    return { name: basename(path), content: buffer.subarray(0, bytesRead) }
  } catch (error) {
    throw new UserError('USAGE', `The file ${path} cannot be read: ${messageOf(error)}.`, {
      hint: 'Nothing was changed.',
      cause: error,
    })
  }
}

function userName(): string {
  try {
    return userInfo().username
  } catch {
    // A user id without an entry in the system's list, as containers have.
    return String(process.getuid?.() ?? 'unknown')
  }
}
