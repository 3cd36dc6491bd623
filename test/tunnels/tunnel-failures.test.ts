import { describe, expect, it } from 'vitest'
import { explainFailure, recogniseFailure } from '../../src/tunnels/tunnel-failures.ts'

describe('recogniseFailure', () => {
  it.each([
    ['ngrok', 'authentication failed ... ERR_NGROK_4018', 'TUNNEL_AUTH_REQUIRED'],
    ['ngrok', 'ERR_NGROK_105', 'TUNNEL_TOKEN_INVALID'],
    ['ngrok', 'ERR_NGROK_107', 'TUNNEL_TOKEN_INVALID'],
    ['ngrok', 'ERR_NGROK_108', 'TUNNEL_SESSION_LIMIT'],
    ['ngrok', 'ERR_NGROK_334', 'TUNNEL_NAME_TAKEN'],
    ['ngrok', 'ERR_NGROK_313', 'TUNNEL_NAME_REFUSED'],
    ['ngrok', 'ERR_NGROK_319', 'TUNNEL_NAME_REFUSED'],
    ['ngrok', 'ERR_NGROK_320', 'TUNNEL_NAME_REFUSED'],
    ['ngrok', 'ERR_NGROK_324', 'TUNNEL_ENDPOINT_LIMIT'],
    ['ngrok', 'ERR_NGROK_15013', 'TUNNEL_NAME_REFUSED'],
    ['ngrok', 'ERR_NGROK_120', 'TUNNEL_CLIENT_OUTDATED'],
    ['ngrok', 'ERR_NGROK_121', 'TUNNEL_CLIENT_OUTDATED'],
    ['ngrok', 'ERR_NGROK_9009', 'TUNNEL_PROXY_REFUSED'],
    ['ngrok', 'ERR_NGROK_3200', 'TUNNEL_OFFLINE'],
    ['ngrok', 'ERR_NGROK_8012', 'TUNNEL_TARGET_REFUSED'],
    ['ngrok', 'ERR_NGROK_702', 'TUNNEL_RATE_LIMITED'],
    ['ngrok', 'ERR_NGROK_714', 'TUNNEL_RATE_LIMITED'],
    ['ngrok', 'ERR_NGROK_727', 'TUNNEL_RATE_LIMITED'],
    [
      'ngrok',
      'failed to connect session: failed to establish tcp connection',
      'TUNNEL_UNREACHABLE',
    ],
    ['cloudflare', 'error code: 1015', 'TUNNEL_RATE_LIMITED'],
    ['cloudflare', 'error code: 1033', 'TUNNEL_OFFLINE'],
    ['cloudflare', 'Provided Tunnel token is not valid.', 'TUNNEL_TOKEN_INVALID'],
    ['cloudflare', 'Unauthorized: Invalid tunnel secret', 'TUNNEL_TOKEN_INVALID'],
    [
      'cloudflare',
      'ERR Failed to dial a quic connection error="failed to dial to edge with quic',
      'TUNNEL_UDP_BLOCKED',
    ],
    [
      'cloudflare',
      'failed to request quick Tunnel: Post "https://api.trycloudflare.com/tunnel": dial tcp: lookup api.trycloudflare.com: no such host',
      'TUNNEL_UNREACHABLE',
    ],
    ['localtunnel', 'Request failed with status code 403 HTTP 403', 'TUNNEL_NAME_REFUSED'],
    ['localtunnel', 'HTTP 409', 'TUNNEL_NAME_TAKEN'],
    ['localtunnel', 'connect ECONNREFUSED 127.0.0.1:1 ECONNREFUSED', 'TUNNEL_UNREACHABLE'],
    [
      'localtunnel',
      'connection refused: 127.0.0.1:34213 (check your firewall settings)',
      'TUNNEL_UNREACHABLE',
    ],
    ['localtunnel', 'getaddrinfo ENOTFOUND localtunnel.me', 'TUNNEL_UNREACHABLE'],
    ['ngrok', 'ERR_NGROK_123', 'TUNNEL_ACCOUNT_BLOCKED'],
    ['ngrok', 'tls handshake error', 'TUNNEL_UNTRUSTED'],
    ['ngrok', "Cannot find module '@ngrok/ngrok-linux-x64'", 'TUNNEL_CLIENT_MISSING'],
    ['cloudflare', 'failed to unmarshal quick Tunnel', 'TUNNEL_UNREACHABLE'],
    ['cloudflare', 'Cannot determine default origin certificate path', 'TUNNEL_AUTH_REQUIRED'],
    ['cloudflare', 'No ingress rules were defined', 'TUNNEL_CONFIG_HIJACKED'],
    ['localtunnel', 'the server answered HTTP 429', 'TUNNEL_RATE_LIMITED'],
    ['localtunnel', 'the server answered no registration', 'TUNNEL_UNREACHABLE'],
    ['localtunnel', 'unable to verify the first certificate', 'TUNNEL_UNTRUSTED'],
    ['localtunnel', 'the server did not answer ETIMEDOUT', 'TUNNEL_SILENT'],
  ])('of %s: %s is %s, in a full sentence with a fix', (provider, words, code) => {
    const known = recogniseFailure(provider, words)
    expect(known?.code).toBe(code)
    expect(known?.message).toMatch(/^[A-Z].*\.$|^(?:ngrok|cloudflared) .*\.$/)
    expect(known?.hint).toMatch(/\w.*\.$/)
  })

  it.each([
    ['ngrok', 'ERR_NGROK_728'],
    ['ngrok', 'ERR_NGROK_1051'],
    ['cloudflare', 'failed to sufficiently increase receive buffer size for UDP'],
    ['nobody', 'ERR_NGROK_105'],
  ])('of %s: %s is nothing known', (provider, words) => {
    expect(recogniseFailure(provider, words)).toBeUndefined()
  })
})

describe('explainFailure', () => {
  it('keeps the words of the client as the cause of a known failure', () => {
    const error = explainFailure('ngrok', { how: 'it failed', words: 'said ERR_NGROK_108' })
    expect(error).toMatchObject({
      code: 'TUNNEL_SESSION_LIMIT',
      cause: { message: 'said ERR_NGROK_108' },
    })
  })

  it('shows the words of an unknown one', () => {
    const error = explainFailure('ngrok', {
      how: 'The ngrok client failed',
      words: 'strange things',
    })
    expect(error).toMatchObject({
      code: 'TUNNEL_CLIENT_ENDED',
      message: 'The ngrok client failed: strange things',
    })
  })
})
