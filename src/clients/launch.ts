import { powershellQuote, shellQuote } from '../lib/shell-quote.ts'
import type { TrustVariable } from './trust-variable.ts'
import { nodeExtraCaCerts } from './trust-variables.ts'

/** The files of a local authority: the certificate alone, and with the system's roots. */
export interface TrustFilePaths {
  readonly caFile: string
  readonly bundleFile?: string | undefined
  /** By variable: the file with ours and what the variable names already. */
  readonly combinedFiles?: Readonly<Record<string, string>> | undefined
}

/** The value of a trust variable. */
export function trustValue(
  { name, value }: TrustVariable,
  { caFile, bundleFile, combinedFiles }: TrustFilePaths,
): string {
  if ('text' in value) return value.text
  const combined = combinedFiles?.[name]
  if (combined !== undefined) return combined
  return value.file === 'ca' ? caFile : (bundleFile ?? caFile)
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
