import type { ConfigFormat } from './config-format.ts'
import { jsonFormat } from './json-format.ts'
import { tomlFormat } from './toml-format.ts'
import { yamlFormat } from './yaml-format.ts'

/** Every language clients write their configuration in. */
export const configFormats = {
  json: jsonFormat,
  toml: tomlFormat,
  yaml: yamlFormat,
} as const satisfies Record<string, ConfigFormat>

export type ConfigLanguage = keyof typeof configFormats
