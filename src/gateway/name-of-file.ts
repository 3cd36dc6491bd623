import { basename, isAbsolute, relative } from 'node:path'
import type { ResolvedConfig } from '../config/resolved-config.ts'

/** The configuration file in use, named so that strangers learn no folder of this machine. */
export function nameOfFile({ configFile, projectDir }: ResolvedConfig): string {
  const name = relative(projectDir, configFile)
  return name === '' || name.startsWith('..') || isAbsolute(name) ? basename(configFile) : name
}
