import type {
  CallToolResult,
  Prompt,
  ReadResourceResult,
  Resource,
  ResourceTemplateType,
  Tool,
} from '@modelcontextprotocol/client'
import { printable, printableLine } from '../../lib/printable.ts'
import type { Screen } from './screen.ts'

/** What a profile has, as `sallyport list` shows it. */
export interface ProfileContents {
  readonly tools: readonly Tool[]
  readonly prompts: readonly Prompt[]
  readonly resources: readonly Resource[]
  readonly templates: readonly ResourceTemplateType[]
}

type Block = CallToolResult['content'][number]

const unbounded = Number.POSITIVE_INFINITY

/** Tools with their arguments, prompts and resources, a line or two each. */
export function formatContents(contents: ProfileContents, screen: Screen): string[] {
  const { tools, prompts, resources, templates } = contents
  const sections = [
    section('Tools', tools, (tool) => [signature(tool, screen), tool.description], screen),
    section(
      'Prompts',
      prompts,
      (prompt) => [promptSignature(prompt, screen), prompt.description],
      screen,
    ),
    section(
      'Resources',
      resources,
      ({ uri, name }) => [printableLine(uri, unbounded), name],
      screen,
    ),
    section(
      'Templates',
      templates,
      ({ uriTemplate, name }) => [printableLine(uriTemplate, unbounded), name],
      screen,
    ),
  ].filter((lines) => lines.length > 0)
  if (sections.length === 0) return screen.prose('It has no tools, prompts or resources.')
  return sections.flatMap((lines, index) => (index === 0 ? lines : ['', ...lines]))
}

function section<T>(
  title: string,
  items: readonly T[],
  show: (item: T) => [head: string, about: string | undefined],
  { style }: Screen,
): string[] {
  if (items.length === 0) return []
  return [
    `  ${style.bold(`${title} (${items.length})`)}`,
    ...items.flatMap((item) => {
      const [head, about] = show(item)
      const [first = ''] = (about ?? '').trim().split('\n')
      return [`  ${head}`, ...(first ? [`      ${style.dim(printableLine(first, 160))}`] : [])]
    }),
  ]
}

/** `forecast(city: string, days?: integer)` */
function signature({ name, inputSchema }: Tool, { style }: Screen): string {
  const { properties = {}, required = [] } = inputSchema
  const fields = Object.entries(properties).map(([field, schema]) => {
    const mark = required.includes(field) ? '' : '?'
    return `${printableLine(field, 60)}${mark}: ${typeOf(schema as object)}`
  })
  return `${style.cyan(printableLine(name, unbounded))}(${fields.join(', ')})`
}

function promptSignature({ name, arguments: fields = [] }: Prompt, { style }: Screen): string {
  const named = fields.map(
    (field) => `${printableLine(field.name, 60)}${field.required ? '' : '?'}`,
  )
  return `${style.cyan(printableLine(name, unbounded))}(${named.join(', ')})`
}

function typeOf(schema: object): string {
  const { type, enum: values } = schema as { type?: unknown; enum?: unknown[] }
  if (values) return printableLine(values.map((value) => JSON.stringify(value)).join(' | '), 80)
  return printableLine(type === undefined ? 'any' : [type].flat().join(' | '), 40)
}

/** A result as text: what a person reads, and the size of what they cannot. */
export function formatResult({ content, structuredContent }: CallToolResult): string[] {
  const lines = content.map(formatBlock)
  if (lines.length > 0 || structuredContent === undefined) return lines
  return [printable(JSON.stringify(structuredContent, null, 2), unbounded)]
}

function formatBlock(block: Block): string {
  switch (block.type) {
    case 'text':
      return printable(block.text, unbounded)
    case 'image':
    case 'audio':
      return `[${block.type} ${printableLine(block.mimeType)}, ${bytesOf(block.data)} bytes; --save <folder> keeps it]`
    case 'resource_link':
      return `[${printableLine(block.uri, unbounded)}]`
    default:
      return formatContent(block.resource)
  }
}

export function formatContent(content: ReadResourceResult['contents'][number]): string {
  if ('text' in content) return printable(content.text, unbounded)
  const kind = printableLine(content.mimeType ?? 'bytes')
  return `[${printableLine(content.uri, unbounded)}: ${kind}, ${bytesOf(content.blob)} bytes; --save <folder> keeps it]`
}

function bytesOf(base64: string): number {
  return Buffer.byteLength(base64, 'base64')
}
