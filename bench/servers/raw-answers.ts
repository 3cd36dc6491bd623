import type { Era } from '../../src/mcp/wire/protocol.ts'

/** As many tools as `tools/list` has, beside the three that are called. */
const manyTools = 500

const inputSchema = { type: 'object', properties: { text: { type: 'string' } }, required: ['text'] }
const text = (value: string) => ({ content: [{ type: 'text', text: value }] })
const capabilities = { tools: {} }
const results: Record<string, string> = {}
const define = (key: string, result: object) => {
  results[key] = JSON.stringify(result).slice(1, -1)
}
define('ping', {})
define('initialize', {
  capabilities,
  serverInfo: { name: 'raw', version: '1' },
})
define('server/discover', { supportedVersions: ['2026-07-28'], capabilities })
define('tools/call echo', text('hello'))
define('tools/call 64 KB', text('x'.repeat(64 * 1024)))
define('tools/call 1 MB', text('x'.repeat(1024 * 1024)))
define('tools/list', { tools: ['echo', '64 KB', '1 MB', 'stream'].map(describe) })
define('tools/list many', {
  tools: Array.from({ length: manyTools }, (_, index) => describe(`tool_${index}`)),
})

function describe(name: string) {
  const description = `What the tool ${name} is for, in a sentence that is as long as usual.`
  return { name, title: name, description, inputSchema }
}

interface Asked {
  readonly id?: unknown
  readonly method: string
  readonly params?: { readonly name?: string; readonly protocolVersion?: string }
}

/**
 * The answer of the cheapest server there can be, of one era, so that a measurement sees what stands
 * before it. Undefined for what asks for none.
 * @param many answers `tools/list` with 500 tools
 */
export function rawAnswer(era: Era, { id, method, params }: Asked, many = false) {
  if (id === undefined) return undefined
  const key = method === 'tools/call' ? `${method} ${params?.name}` : method
  const isOther = method === (era === 'modern' ? 'initialize' : 'server/discover')
  const result = isOther ? undefined : results[many && key === 'tools/list' ? `${key} many` : key]
  const idText = JSON.stringify(id)
  if (result === undefined) {
    return `{"jsonrpc":"2.0","id":${idText},"error":{"code":-32601,"message":"Method not found"}}`
  }
  const complete = `"resultType":"complete"${method === 'tools/call' ? '' : ',"ttlMs":0,"cacheScope":"private"'}`
  const version = method === 'initialize' ? [`"protocolVersion":"${params?.protocolVersion}"`] : []
  const members = [result, ...version, ...(era === 'modern' ? [complete] : [])].filter(
    (part) => part !== '',
  )
  return `{"jsonrpc":"2.0","id":${idText},"result":{${members.join(',')}}}`
}
