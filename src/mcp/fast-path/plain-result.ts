import { isJsonObject, type JsonObject, metaKeys, type WireResult } from '../wire-types.ts'

/**
 * Whether a `tools/call` result of 2026-07-28 is of the plain kind, complete and of text, which
 * every validator accepts. False does not mean wrong: it is for the SDK to judge.
 */
export function isPlainResult(result: unknown): result is WireResult {
  return (
    isJsonObject(result) &&
    result.resultType === 'complete' &&
    Array.isArray(result.content) &&
    result.content.every(isTextBlock) &&
    (result.isError === undefined || typeof result.isError === 'boolean') &&
    isPlainMeta(result._meta)
  )
}

function isTextBlock(block: unknown): boolean {
  return (
    isJsonObject(block) &&
    block.type === 'text' &&
    typeof block.text === 'string' &&
    block.annotations === undefined &&
    (block._meta === undefined || isJsonObject(block._meta))
  )
}

function isPlainMeta(meta: unknown): boolean {
  if (meta === undefined) return true
  if (!isJsonObject(meta)) return false
  const info = meta[metaKeys.serverInfo]
  return info === undefined || isPlainImplementation(info)
}

/** Whether a name and a version, with a text or two beside them, is all there is to validate. */
export function isPlainImplementation(value: unknown): value is JsonObject {
  return (
    isJsonObject(value) &&
    typeof value.name === 'string' &&
    typeof value.version === 'string' &&
    value.icons === undefined &&
    ['title', 'description', 'websiteUrl'].every((key) => isOptionalText(value[key]))
  )
}

function isOptionalText(value: unknown): boolean {
  return value === undefined || typeof value === 'string'
}
