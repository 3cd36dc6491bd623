import { describe, expect, it } from 'vitest'
import { formatReady, type ReadyView } from '../../../src/cli/ui/ready.ts'
import { fingerprint, readyEvent } from '../fake-gateway.ts'
import { asText, plain } from '../helpers.ts'

const view: ReadyView = {
  screen: plain(80),
  platform: 'linux',
  configFile: 'config/gateway.json',
  keys: true,
}
const local = readyEvent({
  caFile: '/p/.sallyport/certs/ca.pem',
  caFingerprint: fingerprint,
  certFile: '/p/.sallyport/certs/localhost.pem',
  certFingerprint: fingerprint.toLowerCase(),
})
const signed = { ...view, certificateSource: 'signed by Sallyport local CA' }

describe('the ready screen', () => {
  it('shows addresses, profiles, certificate, snippet, command, variable and keys', () => {
    expect(asText(formatReady(local, signed))).toMatchInlineSnapshot(`
      "
        sallyport 0.1.0  ready in 812 ms

        Local     https://localhost:3443
                  http://localhost:3001
        MCP       https://localhost:3443/api/mcp/default
                  14 tools, 1 resource, 1 prompt from 2 servers: welcome, files
        Redirect  https://localhost:3443/api/oauth/callback
        TLS       signed by Sallyport local CA
                  authority  /p/.sallyport/certs/ca.pem
                  SHA-256    00:07:0E:15:1C:23:2A:31:38:3F:46:4D:54:5B:62:69:
                             70:77:7E:85:8C:93:9A:A1:A8:AF:B6:BD:C4:CB:D2:D9

        Connect Claude Code with this in .mcp.json
        {
          "mcpServers": {
            "sallyport": {
              "type": "http",
              "url": "https://localhost:3443/api/mcp/default"
            }
          }
        }

        or with
      claude mcp add --transport http sallyport https://localhost:3443/api/mcp/default

        and start it with the certificate authority it has to trust
        NODE_EXTRA_CA_CERTS=/p/.sallyport/certs/ca.pem claude

        c copy the snippet   q QR code   r reopen   d doctor   ? help   Ctrl-C stop
      "
    `)
  })

  it('fits 80 columns', () => {
    for (const line of asText(formatReady(local, signed)).split('\n')) {
      expect(line.length, line).toBeLessThanOrEqual(80)
    }
  })

  it.each([
    [{ open: [] }, 'whoever is in this network reaches it, and is asked for a login'],
    [{ open: ['demo'] }, 'whoever is in this network reaches it, without a login at demo'],
  ])('says who reaches it beyond this machine, and what they are asked: %j', (network, words) => {
    const origins = ['https://localhost:3443', 'https://192.168.1.20:3443']
    const text = asText(formatReady(readyEvent({ origins }), { ...view, network }))
    expect(text).toContain(`  Network   https://192.168.1.20:3443\n            ${words}\n`)
    expect(asText(formatReady(readyEvent(), { ...view, network }))).toContain(
      `  Network   ${words}\n`,
    )
    expect(asText(formatReady(readyEvent(), view))).not.toContain('network')
  })

  it('says that plain HTTP needs no certificate variable', () => {
    const text = asText(formatReady(readyEvent({ appUrl: 'http://localhost:3001' }), view))
    expect(text).toContain('No certificate variable is needed: the address is plain HTTP.')
    expect(text).not.toContain('NODE_EXTRA_CA_CERTS')
    expect(text).not.toContain('TLS')
  })

  it('says that a public address needs no certificate variable, and shows both addresses', () => {
    const text = asText(
      formatReady(
        readyEvent({
          appUrl: 'https://quiet-otter.example',
          origins: ['https://quiet-otter.example', 'https://localhost:3443'],
          caFile: '/ca.pem',
        }),
        view,
      ),
    )
    expect(text).toContain('  Public    https://quiet-otter.example\n')
    expect(text).toContain('  Local     https://localhost:3443\n')
    expect(text).toContain('No certificate variable is needed: the address is public.')
    expect(text).not.toContain('NODE_EXTRA_CA_CERTS')
  })

  it('says who must trust a certificate of the user', () => {
    const own = readyEvent({ certFile: '/c.pem', certFingerprint: fingerprint })
    const text = asText(formatReady(own, view))
    expect(text).toContain('The certificate is yours')
    expect(text).toContain(`file       /c.pem\n            SHA-256    ${fingerprint.slice(0, 48)}`)
  })

  it('names the file with the authorities that a variable names already', () => {
    const combinedFiles = { NODE_EXTRA_CA_CERTS: '/p/node-extra-ca-certs.pem' }
    const text = asText(formatReady(readyEvent({ caFile: '/p/ca.pem', combinedFiles }), view))
    expect(text).toContain('NODE_EXTRA_CA_CERTS=/p/node-extra-ca-certs.pem claude')
  })

  it('quotes a certificate path with a space', () => {
    const text = asText(formatReady(readyEvent({ caFile: "/my projects/it's/ca.pem" }), view))
    expect(text).toContain(`NODE_EXTRA_CA_CERTS='/my projects/it'\\''s/ca.pem' claude`)
  })

  it('speaks PowerShell on Windows', () => {
    const text = asText(
      formatReady(readyEvent({ caFile: 'C:\\my ca\\ca.pem' }), {
        ...view,
        platform: 'win32',
      }),
    )
    expect(text).toContain("$env:NODE_EXTRA_CA_CERTS='C:\\my ca\\ca.pem'; claude")
  })

  it('names each failed server once, with its reason, its profiles and the fix', () => {
    const broken = {
      name: 'broken',
      state: 'failed',
      tools: 0,
      error: 'spawn nope ENOENT',
    } as const
    const [profile] = local.profiles
    if (!profile) throw new Error('no profile')
    const profiles = ['default', 'work'].map((name) => ({
      ...profile,
      name,
      servers: [...profile.servers, broken],
    }))
    const text = asText(formatReady({ ...local, profiles }, view))
    expect(text.match(/spawn nope ENOENT/g)).toHaveLength(1)
    expect(text).toContain('  Server "broken" failed: spawn nope ENOENT\n')
    expect(text).toContain('It is started again with growing pauses, and at once when its entry in')
    expect(text.replaceAll(/\s+/g, ' ')).toContain(
      'Profiles "default", "work" work without its tools',
    )
    expect(text).toContain('broken (failed)')
  })

  it('shows what is wrong with names', () => {
    const [profile] = local.profiles
    if (!profile) throw new Error('no profile')
    const problems = ['two servers have a tool "read"; the one of "files" wins']
    const text = asText(formatReady({ ...local, profiles: [{ ...profile, problems }] }, view))
    expect(text.replaceAll(/\s+/g, ' ')).toContain(`Profile "default": ${problems[0]}`)
  })

  it('shows no control character that came from a server', () => {
    const [profile] = local.profiles
    if (!profile) throw new Error('no profile')
    const servers = [{ name: 'evil', state: 'failed', tools: 0, error: '\x1b[2Jgone\r' }] as const
    const text = asText(
      formatReady({ ...local, profiles: [{ ...profile, servers: [...servers] }] }, view),
    )
    expect(text).toContain('\\x1b[2Jgone\\x0d')
    expect(text).not.toContain('\x1b')
  })

  it('leaves the keys out where none are listened to', () => {
    expect(asText(formatReady(local, { ...view, keys: false }))).not.toContain('Ctrl-C')
  })
})
