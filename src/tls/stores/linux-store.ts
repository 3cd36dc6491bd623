import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseCertificates } from '../certificate-pem.ts'
import type { LinuxLayout } from './linux-layouts.ts'
import { shortFingerprint, type TrustStore } from './trust-store.ts'

/** The roots of a Linux system, which curl, git, Python and most other programs read. */
export function createLinuxStore(options: {
  layout: LinuxLayout
  /** Where the program that updates the system is; undefined when it is not installed. */
  updater: string | undefined
}): TrustStore {
  const { layout, updater } = options
  const program = updater ?? layout.update[0] ?? ''
  const update = { argv: [program, ...layout.update.slice(1)], asRoot: true }
  const updateAfterRemoval = {
    argv: [program, ...layout.updateAfterRemoval.slice(1)],
    asRoot: true,
  }
  return {
    kind: 'system',
    place: layout.bundle,
    async check(concerns) {
      if (updater === undefined) {
        return {
          present: false,
          reason: `The program ${program} is not installed.`,
          hint: 'Install the package ca-certificates.',
        }
      }
      const trusted = await certificatesOf(layout.bundle)
      const fingerprints = new Set(
        trusted.filter(concerns).map(({ fingerprint256 }) => fingerprint256),
      )
      const anchors = await anchorsOf(layout)
      const handles = new Map(
        anchors.flatMap(({ file, certificates }) =>
          certificates
            .filter(concerns)
            .map(({ fingerprint256 }) => [fingerprint256, file] as const),
        ),
      )
      const all = new Set([...fingerprints, ...handles.keys()])
      return {
        present: true,
        certificates: [...all].map((fingerprint256) => ({
          fingerprint256,
          isTrusted: fingerprints.has(fingerprint256),
          handle: handles.get(fingerprint256) ?? '',
        })),
      }
    },
    install({ certificate, file }) {
      const name = `sallyport-${shortFingerprint(certificate)}${layout.extension}`
      const place = join(layout.anchors, name)
      return [{ argv: ['install', '-m', '0644', file, place], asRoot: true }, update]
    },
    remove(certificates) {
      const files = certificates.map(({ handle }) => handle)
      return [{ argv: ['rm', '-f', ...files], asRoot: true }, updateAfterRemoval]
    },
  }
}

async function anchorsOf({ anchors, extension }: LinuxLayout) {
  const names = await readdir(anchors).catch((): string[] => [])
  return Promise.all(
    names
      .filter((name) => name.endsWith(extension))
      .map((name) => join(anchors, name))
      .map(async (file) => ({ file, certificates: await certificatesOf(file) })),
  )
}

async function certificatesOf(file: string) {
  try {
    return parseCertificates(await readFile(file, 'utf8'))
  } catch {
    // Not there, or no certificate: nothing that is trusted.
    return []
  }
}
