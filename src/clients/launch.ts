import { powershellQuote, shellQuote } from '../lib/shell-quote.ts'
import type { TrustVariable } from './trust-variable.ts'

/** The files of a local authority: the certificate alone, and with the system's roots. */
export interface TrustFilePaths {
  readonly caFile: string
  readonly bundleFile?: string | undefined
}

/** The value of a trust variable. */
export function trustValue(
  { value }: TrustVariable,
  { caFile, bundleFile }: TrustFilePaths,
): string {
  if ('text' in value) return value.text
  return value.file === 'ca' ? caFile : (bundleFile ?? caFile)
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
