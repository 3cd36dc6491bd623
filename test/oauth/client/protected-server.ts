import { request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http'
import type { TestPair } from '../../tls/lab.ts'
import { closeServer, listen } from './foreign-issuer.ts'

/** A protected resource that stands for an MCP server: it echoes the scopes of its caller. */
export interface ProtectedServer {
  readonly url: string
  /** Settable: the issuers its metadata names, and the scopes it wants. */
  issuers: string[]
  scopes: string[]
  close(): Promise<void>
}

export async function startProtectedServer(options: {
  issuers: string[]
  introspect: (accessToken: string, resource: string) => Promise<string[] | undefined>
  /** An MCP server that answers whoever has the right token; without it the scopes are echoed. */
  behind?: string
  /** Makes it HTTPS. */
  pair?: TestPair
}): Promise<ProtectedServer> {
  const { server, origin } = await listen(options.pair)
  const url = `${origin}/mcp`
  const metadataUrl = `${origin}/.well-known/oauth-protected-resource/mcp`
  const self: ProtectedServer = {
    url,
    issuers: options.issuers,
    scopes: ['mcp'],
    close: () => closeServer(server),
  }
  server.on('request', async (request, response) => {
    if (request.url === '/.well-known/oauth-protected-resource/mcp') {
      response.setHeader('content-type', 'application/json')
      response.end(JSON.stringify({ resource: url, authorization_servers: self.issuers }))
      return
    }
    const token = request.headers.authorization?.replace('Bearer ', '')
    const scopes = token === undefined ? undefined : await options.introspect(token, url)
    const wanted = `scope="${self.scopes.join(' ')}", resource_metadata="${metadataUrl}"`
    if (scopes && self.scopes.every((scope) => scopes.includes(scope))) {
      if (options.behind !== undefined) return passOn(request, response, options.behind)
      response.end(JSON.stringify({ scopes }))
      return
    }
    const error = scopes ? 'error="insufficient_scope", ' : ''
    response.writeHead(scopes ? 403 : 401, { 'www-authenticate': `Bearer ${error}${wanted}` })
    response.end()
  })
  return self
}

/** Sends a request on to another server, without our token. */
export function passOn(request: IncomingMessage, response: ServerResponse, to: string): void {
  const { authorization: _ours, host: _host, ...headers } = request.headers
  const passed = httpRequest(to, { method: request.method, headers, agent: false }, (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.headers)
    answer.pipe(response)
  })
  passed.on('error', () => response.destroy())
  response.on('close', () => passed.destroy())
  request.pipe(passed)
}
