import {
  type CommonOptions,
  confirm,
  isCancel,
  log,
  multiselect,
  select,
  text,
} from '@clack/prompts'
import type {
  ElicitRequestParams,
  ElicitResult,
  PrimitiveSchemaDefinition,
} from '@modelcontextprotocol/client'
import { printable, printableLine } from '../lib/printable.ts'

type Answer = NonNullable<ElicitResult['content']>[string]

/** The terminal, unless given. */
type Terminal = Pick<CommonOptions, 'input' | 'output'>

/** Asks the person at the terminal what a server wants to know (MCP, Elicitation). */
export async function askForm(
  params: ElicitRequestParams,
  terminal: Terminal = { output: process.stderr },
): Promise<ElicitResult> {
  log.message(printable(params.message), terminal)
  if ('url' in params) {
    log.message(printableLine(params.url), terminal)
    const message = 'Open that address in a browser, then go on?'
    const isDone = await confirm({ ...terminal, message })
    return { action: isCancel(isDone) ? 'cancel' : isDone ? 'accept' : 'decline' }
  }
  const { properties, required = [] } = params.requestedSchema
  const content: Record<string, Answer> = {}
  for (const [name, schema] of Object.entries(properties)) {
    const answer = await askField(name, schema, { isRequired: required.includes(name), terminal })
    // Ctrl-C or Escape.
    if (typeof answer === 'symbol') return { action: 'cancel' }
    if (answer !== undefined) content[name] = answer
  }
  return { action: 'accept', content }
}

/** One question by the kind of its field; undefined for one that was left out. */
async function askField(
  name: string,
  schema: PrimitiveSchemaDefinition,
  { isRequired, terminal }: { isRequired: boolean; terminal: Terminal },
): Promise<Answer | symbol | undefined> {
  const { title = name, description } = schema
  const message = printableLine(description === undefined ? title : `${title}: ${description}`)
  const given = 'default' in schema ? schema.default : undefined
  if (schema.type === 'boolean')
    return confirm({ ...terminal, message, initialValue: given === true })
  if (schema.type === 'array') {
    return multiselect({
      ...terminal,
      message,
      options: choicesOf(schema.items),
      required: isRequired,
    })
  }
  const choices = choicesOf(schema)
  if (choices.length > 0) return select({ ...terminal, message, options: choices })
  const isNumber = schema.type === 'number' || schema.type === 'integer'
  const said = await text({
    ...terminal,
    message,
    ...(given !== undefined && { initialValue: String(given) }),
    validate(value = '') {
      if (value === '') return isRequired ? 'It is needed.' : undefined
      return isNumber && !Number.isFinite(Number(value)) ? 'It is a number.' : undefined
    },
  })
  if (isCancel(said)) return said
  if (said === undefined || said === '') return undefined
  return isNumber ? Number(said) : said
}

function choicesOf(schema: object): { value: string; label: string }[] {
  const {
    enum: values,
    enumNames,
    oneOf,
    anyOf,
  } = schema as {
    enum?: string[]
    enumNames?: string[]
    oneOf?: { const: string; title?: string }[]
    anyOf?: { const: string; title?: string }[]
  }
  const titled = oneOf ?? anyOf
  if (titled) {
    return titled.map(({ const: value, title }) => ({
      value,
      label: printableLine(title ?? value),
    }))
  }
  return (values ?? []).map((value, index) => ({
    value,
    label: printableLine(enumNames?.[index] ?? value),
  }))
}
