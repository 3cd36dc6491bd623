import { describe, expect, it } from 'vitest'
import { formatCertificate } from '../../src/cli/ui/certificate-report.ts'
import type { LocalCertificateDescription } from '../../src/tls/describe-certificate.ts'
import { fingerprint } from './fake-gateway.ts'
import { plain } from './helpers.ts'

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
const description: LocalCertificateDescription = {
  source: 'own-ca',
  leaf: certificate,
  authority: { ...certificate, subject: 'CN=Sallyport local CA' },
  files: {
    cert: '/p/.sallyport/certs/leaf.pem',
    key: '/p/.sallyport/certs/leaf-key.pem',
    ca: '/p/.sallyport/certs/ca.pem',
    bundle: '/p/.sallyport/certs/bundle.pem',
  },
}

describe('the certificate report', () => {
  it('shows source, names, validity, fingerprint, files and how to trust it', () => {
    const options = { screen: plain(), action: 'show', wasRenewed: false } as const
    expect(formatCertificate(description, options)).toMatchInlineSnapshot(`
      "
        Source    Sallyport's own authority, in your user's data folder
        Signed by CN=Sallyport local CA
        Names     localhost, 127.0.0.1, ::1
        Valid     2026-11-20 to 2027-12-22, 396 days left
        SHA-256   00:07:0E:15:1C:23:2A:31:38:3F:46:4D:54:5B:62:69:
                  70:77:7E:85:8C:93:9A:A1:A8:AF:B6:BD:C4:CB:D2:D9
        Files     /p/.sallyport/certs/leaf.pem
                  /p/.sallyport/certs/leaf-key.pem
        CA        /p/.sallyport/certs/ca.pem
        Bundle    /p/.sallyport/certs/bundle.pem
        Trust     pnpm sallyport trust  for browsers, the system and Java
                  pnpm sallyport env    for Node, Python, curl, git and the like
      "
    `)
  })

  it('names the folder of our own authority where one was set', () => {
    const options = { screen: plain(), action: 'show', wasRenewed: false } as const
    const text = formatCertificate(description, { ...options, caRoot: '/srv/ca' })
    expect(text).toContain("Sallyport's own authority, in /srv/ca\n")
  })

  it('says what follows from a renewal', () => {
    const options = { screen: plain(), action: 'renew', wasRenewed: true } as const
    const text = formatCertificate(description, options).replaceAll(/\s+/g, ' ')
    expect(text).toContain('The authority is the same, so nothing has to be trusted anew')
  })

  it('says that files of the user are not renewed', () => {
    const options = { screen: plain(), action: 'renew', wasRenewed: false } as const
    const own = { ...description, source: 'files', authority: undefined } as const
    const text = formatCertificate(
      { ...own, files: { ...description.files, ca: undefined } },
      options,
    )
    expect(text).toContain('it is not ours to renew')
    expect(text).not.toContain('pnpm sallyport trust')
  })

  it('says that a certificate is not valid now', () => {
    const options = { screen: plain(), action: 'show', wasRenewed: false } as const
    const expired = { ...description, leaf: { ...certificate, isValid: false, daysLeft: -3 } }
    expect(formatCertificate(expired, options)).toContain('2026-11-20 to 2027-12-22: not valid now')
  })
})
