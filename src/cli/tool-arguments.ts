import { messageOf, UserError } from '../errors.ts'
import { ownValue } from '../lib/objects.ts'

type Fields = { [name: string]: unknown }

/**
 * The arguments of a tool as they were typed: one JSON object, or `name=value` pairs, of which each value
 * is read as its schema says: `count=3` is a number where the tool wants one, else the text `3`.
 * @param inputSchema the tool's own, as far as it is known
 * @throws UserError USAGE for what is neither
 */
export function readArguments(typed: readonly string[], inputSchema: object | undefined): Fields {
  const [first = ''] = typed
  if (typed.length === 1 && first.trimStart().startsWith('{')) return parseObject(first)
  const pairs = typed.map((pair): [string, unknown] => {
    const [, name, value = ''] = /^([^=]+)=(.*)$/s.exec(pair) ?? []
    if (name === undefined) {
      throw new UserError('USAGE', `${JSON.stringify(pair)} is not an argument of a tool.`, {
        hint: 'Give a JSON object, such as \'{"city": "Oslo"}\', or pairs, such as city=Oslo days=3.',
      })
    }
    return [name, readValue(name, value, inputSchema)]
  })
  return Object.fromEntries(pairs)
}

function parseObject(text: string): Fields {
  try {
    return JSON.parse(text) as Fields
  } catch (error) {
    throw new UserError('USAGE', `The arguments are not JSON: ${messageOf(error)}.`, {
      hint: 'Mind the quotation marks of your shell, or give pairs, such as city=Oslo days=3.',
    })
  }
}

function readValue(name: string, value: string, inputSchema: object | undefined): unknown {
  const { properties = {} } = (inputSchema ?? {}) as { properties?: Fields }
  const { type } = (ownValue(properties, name) ?? {}) as { type?: unknown }
  if (type === 'string') return value
  try {
    return JSON.parse(value)
  } catch {
    // Not JSON, so it is text.
    return value
  }
}
