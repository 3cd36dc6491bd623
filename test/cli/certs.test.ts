import { describe, expect, it } from 'vitest'
import { formatCertificate } from '../../src/cli/commands/certs.ts'
import type { LocalCertificateDescription } from '../../src/tls/local-files.ts'
import { fingerprint } from './fake-gateway.ts'
import { asText, plain } from './helpers.ts'

const certificate = {
  subject: 'CN=localhost',
  issuer: 'CN=Sallyport local CA',
  names: ['localhost', '127.0.0.1', '::1'],
  notBefore: new Date('2026-11-20T00:00:00Z'),
  notAfter: new Date('2027-12-22T00:00:00Z'),
  daysLeft: 396,
  isValid: true,
  serialNumber: '01',
  fingerprint256: fingerprint,
}
const certs = '/p/.sallyport/certs'
const description: LocalCertificateDescription = {
  source: 'own-ca',
  certificates: [
    {
      ...certificate,
      names: ['localhost'],
      file: `${certs}/localhost.pem`,
      keyFile: `${certs}/localhost-key.pem`,
    },
    {
      ...certificate,
      fingerprint256: fingerprint.replaceAll('0', '1'),
      file: `${certs}/addresses.pem`,
      keyFile: `${certs}/addresses-key.pem`,
    },
  ],
  authority: {
    ...certificate,
    subject: 'CN=Sallyport local CA',
    fingerprint256: fingerprint.replaceAll('0', 'C'),
    file: `${certs}/ca.pem`,
  },
  bundleFile: `${certs}/bundle.pem`,
}
const shown = {
  screen: plain(),
  action: 'show',
  wasRenewed: false,
  authorityFolder: '/home/ada/.local/share/sallyport/ca',
} as const

describe('the certificate report', () => {
  it('shows each certificate with its own file and fingerprint, and how to trust it', () => {
    expect(asText(formatCertificate(description, shown))).toMatchInlineSnapshot(`
      "
        Source    Sallyport's own authority
                  in /home/ada/.local/share/sallyport/ca

        Served    /p/.sallyport/certs/localhost.pem
                  /p/.sallyport/certs/localhost-key.pem
        SHA-256   00:07:0E:15:1C:23:2A:31:38:3F:46:4D:54:5B:62:69:
                  70:77:7E:85:8C:93:9A:A1:A8:AF:B6:BD:C4:CB:D2:D9
        Names     localhost
        Valid     2026-11-20 to 2027-12-22, 396 days left

        Served    /p/.sallyport/certs/addresses.pem
                  /p/.sallyport/certs/addresses-key.pem
        SHA-256   11:17:1E:15:1C:23:2A:31:38:3F:46:4D:54:5B:62:69:
                  71:77:7E:85:8C:93:9A:A1:A8:AF:B6:BD:C4:CB:D2:D9
        Names     localhost, 127.0.0.1, ::1
        Valid     2026-11-20 to 2027-12-22, 396 days left

        Signed by CN=Sallyport local CA
        CA        /p/.sallyport/certs/ca.pem
        SHA-256   CC:C7:CE:15:1C:23:2A:31:38:3F:46:4D:54:5B:62:69:
                  7C:77:7E:85:8C:93:9A:A1:A8:AF:B6:BD:C4:CB:D2:D9
        Bundle    /p/.sallyport/certs/bundle.pem
        Trust     pnpm sallyport trust  for browsers, the system and Java
                  pnpm sallyport env    for Node, Python, curl, git and the like
      "
    `)
  })

  it('names the folder of our own authority', () => {
    const text = asText(formatCertificate(description, { ...shown, authorityFolder: '/srv/ca' }))
    expect(text).toContain('in /srv/ca\n')
  })

  it('says what follows from a renewal', () => {
    const options = { ...shown, action: 'renew', wasRenewed: true } as const
    const text = asText(formatCertificate(description, options)).replaceAll(/\s+/g, ' ')
    expect(text).toContain('The authority is the same, so nothing has to be trusted anew')
  })

  it('says that files of the user are not renewed', () => {
    const own = { ...description, source: 'files', authority: undefined } as const
    const text = asText(formatCertificate(own, { ...shown, action: 'renew' }))
    expect(text).toContain('it is not ours to renew')
    expect(text).not.toContain('pnpm sallyport trust')
  })

  it('says that a certificate is not valid now', () => {
    const [first, second] = description.certificates
    const expired = { ...(first ?? second), isValid: false, daysLeft: -3 } as typeof first & object
    const text = asText(formatCertificate({ ...description, certificates: [expired] }, shown))
    expect(text).toContain('2026-11-20 to 2027-12-22: not valid now')
  })
})
