import { powershellQuote, shellQuote } from '../lib/shell.ts'

/** An environment variable by which a runtime or a client is told whom to trust. */
export interface TrustVariable {
  readonly name: string
  /**
   * Which file it takes: `ca`, the authority alone, where it adds to the built-in roots; `bundle`,
   * the system's roots and the authority, where it replaces them.
   */
  readonly file: 'ca' | 'bundle'
}

/** Node and what is made with it; it adds to the built-in roots. */
export const nodeExtraCaCerts: TrustVariable = { name: 'NODE_EXTRA_CA_CERTS', file: 'ca' }

/** OpenSSL, and Rust programs that read the system's roots; it replaces them. */
export const sslCertFile: TrustVariable = { name: 'SSL_CERT_FILE', file: 'bundle' }

/** The files of a local authority: the certificate alone, and with the system's roots. */
export interface TrustFilePaths {
  readonly caFile: string
  readonly bundleFile?: string | undefined
  /** By variable: the file with ours and what the variable names already. */
  readonly combinedFiles?: Readonly<Record<string, string>> | undefined
}

/** The value of a trust variable. */
export function trustValue(
  { name, file }: TrustVariable,
  { caFile, bundleFile = caFile, combinedFiles }: TrustFilePaths,
): string {
  return combinedFiles?.[name] ?? (file === 'ca' ? caFile : bundleFile)
}

/** What an entry names for a bridge that runs on Node; see `ClientConnection.caFile`. */
export function entryCaFile(files: TrustFilePaths | undefined): string | undefined {
  return files && trustValue(nodeExtraCaCerts, files)
}

/** The command that starts a program so that it trusts us, in the platform's usual shell. */
export function launchCommand(
  program: string,
  trust: { variable: TrustVariable; files: TrustFilePaths },
  platform: NodeJS.Platform,
): string {
  const { name } = trust.variable
  const value = trustValue(trust.variable, trust.files)
  return platform === 'win32'
    ? `$env:${name}=${powershellQuote(value)}; ${program}`
    : `${name}=${shellQuote(value)} ${program}`
}
