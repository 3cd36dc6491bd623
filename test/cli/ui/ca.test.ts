import { describe, expect, it } from 'vitest'
import { formatAudit, formatBundles, formatDiagnosis } from '../../../src/cli/ui/ca.ts'
import { fingerprint } from '../fake-gateway.ts'
import { asText, plain } from '../helpers.ts'

const certificate = {
  subject: 'CN=Root\u001b[31m',
  issuer: 'CN=Root',
  fingerprint256: fingerprint,
  notBefore: Date.parse('2026-01-01'),
  notAfter: Date.parse('2027-01-01'),
  daysLeft: 41,
}

const bundle = {
  server: 'intranet',
  state: 'good',
  problem: undefined,
  hint: undefined,
  certificates: [{ kind: 'root', ...certificate }],
  missing: [],
  clientCertificate: { ...certificate, subject: 'CN=ada', daysLeft: -1 },
  fingerprint,
  sequence: 1,
  changed: { by: 'ada', from: 'cli', at: Date.parse('2026-11-21') },
} as const

describe('the texts of ca', () => {
  it('list a bundle within the screen, and no control characters of a stranger', () => {
    expect(asText(formatBundles([bundle], plain(80)))).toMatchInlineSnapshot(`
      "  intranet  1 certificate, changed 2026-11-21 by ada from cli
          root          CN=Root\\x1b[31m
            until 2027-01-01, 41 days left
            00:07:0E:15:1C:23:2A:31:38:3F:46:4D:54:5B:62:69:
            70:77:7E:85:8C:93:9A:A1:A8:AF:B6:BD:C4:CB:D2:D9
          client        CN=ada
            until 2027-01-01, expired
            00:07:0E:15:1C:23:2A:31:38:3F:46:4D:54:5B:62:69:
            70:77:7E:85:8C:93:9A:A1:A8:AF:B6:BD:C4:CB:D2:D9
          all together  00:07:0E:15:1C:23:2A:31:38:3F:46:4D:54:5B:62:69:
                        70:77:7E:85:8C:93:9A:A1:A8:AF:B6:BD:C4:CB:D2:D9"
    `)
  })

  it('tell a refused bundle, with the cure', () => {
    const problem = 'The server "intranet" is not connected to.'
    const refused = { ...bundle, state: 'refused', problem, hint: 'Put it back.' } as const
    expect(asText(formatBundles([refused], plain(80)))).toMatchInlineSnapshot(`
      "  intranet  refused
          The server "intranet" is not connected to.
          Put it back."
    `)
  })

  it('say when there is nothing', () => {
    expect(asText(formatBundles([], plain(80)))).toContain('sallyport ca add')
    expect(asText(formatAudit([]))).toContain('Nothing was changed')
  })

  it('explain a chain, finding by finding', () => {
    const text = asText(
      formatDiagnosis(
        {
          server: 'intranet',
          url: 'https://intranet.example/mcp',
          verifies: false,
          cautions: [],
          protocol: 'TLSv1.3',
          clientCertificate: 'none',
          chain: [
            {
              ...certificate,
              issuer: 'CN=Company CA',
              names: ['intranet.example'],
              notBefore: new Date(certificate.notBefore),
              notAfter: new Date(certificate.notAfter),
              isValid: true,
              serialNumber: '01',
            },
          ],
          findings: [
            {
              kind: 'missing-issuer',
              message: 'It is missing.',
              fix: 'Add it.',
              command: 'ca add',
            },
          ],
        },
        plain(80),
      ),
    )
    expect(text).toMatchInlineSnapshot(`
      "  intranet  https://intranet.example/mcp  TLSv1.3
          0 CN=Root\\x1b[31m
            issued by CN=Company CA
            for intranet.example
            valid 2026-01-01 to 2027-01-01
            SHA-256 00:07:0E:15:1C:23:2A:31:38:3F:46:4D:54:5B:62:69:
                    70:77:7E:85:8C:93:9A:A1:A8:AF:B6:BD:C4:CB:D2:D9

        It is missing.
        Add it.
        ca add"
    `)
  })
})
