import { generateKeyPairSync } from 'node:crypto'
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { readCertificateFiles } from '../../src/tls/certificate-files.ts'
import { generateKeyPem } from '../../src/tls/private-key.ts'
import { createTestAuthority, dayMs, temporaryFolder } from './lab.ts'

const now = Date.now()

async function userFiles(names = ['localhost', '127.0.0.1']) {
  const folder = await temporaryFolder()
  const authority = await createTestAuthority()
  const pair = await authority.issue(names)
  const certPath = join(folder, 'mine.pem')
  const keyPath = join(folder, 'mine-key.pem')
  await writeFile(certPath, pair.cert)
  await writeFile(keyPath, pair.key)
  return { authority, pair, certPath, keyPath }
}

describe('readCertificateFiles', () => {
  it('returns the files as they are', async () => {
    const { pair, certPath, keyPath } = await userFiles()
    expect(await readCertificateFiles({ certPath, keyPath, now })).toMatchObject({
      ...pair,
      caCertPem: undefined,
      source: 'files',
      names: ['localhost', '127.0.0.1'],
      warnings: [],
    })
  })

  it('finds the root at the end of the chain', async () => {
    const { authority, pair, certPath, keyPath } = await userFiles()
    await writeFile(certPath, `comment\n${pair.cert}\r\n${authority.certPem}`)
    const { caCertPem, names } = await readCertificateFiles({ certPath, keyPath, now })
    expect(caCertPem).toBe(authority.certPem)
    expect(names).toContain('localhost')
  })

  it('takes a self-signed certificate for its own root', async () => {
    const { authority, certPath, keyPath } = await userFiles()
    await writeFile(certPath, authority.certPem)
    await writeFile(keyPath, authority.keyPem)
    const { caCertPem } = await readCertificateFiles({ certPath, keyPath, now })
    expect(caCertPem).toBe(authority.certPem)
  })

  it.each([
    [['mybox.example'], 0, 'does not cover localhost, only mybox.example.'],
    [['localhost'], 340 * dayMs, 'expires in 24 days.'],
  ])('warns about a certificate for %j after %i ms', async (names, offset, message) => {
    const { certPath, keyPath } = await userFiles(names)
    const { warnings } = await readCertificateFiles({ certPath, keyPath, now: now + offset })
    expect(warnings).toMatchObject([
      { code: 'CERTIFICATE_INVALID', message: expect.stringContaining(message) },
    ])
  })

  const rsaKey = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey
  type Files = { certPath: string; keyPath: string }
  it.each([
    ['a missing certificate', 0, 'mine.pem: ENOENT', (f: Files) => rm(f.certPath)],
    ['a missing key', 0, 'mine-key.pem: ENOENT', (f: Files) => rm(f.keyPath)],
    ['no certificate', 0, 'mine.pem: it holds no PEM', (f: Files) => writeFile(f.certPath, 'x')],
    [
      'a damaged certificate',
      0,
      'mine.pem: it is damaged',
      (f: Files) =>
        writeFile(f.certPath, '-----BEGIN CERTIFICATE-----\nMIGH\n-----END CERTIFICATE-----\n'),
    ],
    [
      'the key in place of the certificate',
      0,
      'mine.pem: it holds no PEM certificate',
      (f: Files) => writeFile(f.certPath, generateKeyPem()),
    ],
    [
      'no key',
      0,
      'mine-key.pem: it holds no PEM private key',
      (f: Files) => writeFile(f.keyPath, 'x'),
    ],
    [
      'a key with a passphrase',
      0,
      'mine-key.pem: its key is protected by a passphrase',
      (f: Files) =>
        writeFile(
          f.keyPath,
          rsaKey.export({ type: 'pkcs1', format: 'pem', cipher: 'aes-128-cbc', passphrase: 'x' }),
        ),
    ],
    [
      'the key of another certificate',
      0,
      'mine.pem: it does not belong to the key in',
      (f: Files) => writeFile(f.keyPath, generateKeyPem()),
    ],
    ['an expired certificate', 366 * dayMs, 'mine.pem: it expired on', async () => {}],
    ['a clock before its time', -dayMs, 'mine.pem: it is not valid before', async () => {}],
  ])('refuses %s', async (_, offset, message, spoil) => {
    const { certPath, keyPath } = await userFiles()
    await spoil({ certPath, keyPath })
    await expect(
      readCertificateFiles({ certPath, keyPath, now: now + offset }),
    ).rejects.toMatchObject({
      code: 'CERTIFICATE_INVALID',
      message: expect.stringContaining(message),
      hint: expect.stringContaining('SSL_CERT_PATH'),
    })
  })

  it('refuses what TLS refuses, such as a key that is too short', async () => {
    const { authority, certPath, keyPath } = await userFiles()
    const weak = generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey
    const pair = await authority.issue(['localhost'], {
      keyPem: weak.export({ type: 'pkcs8', format: 'pem' }).toString(),
    })
    await writeFile(certPath, pair.cert)
    await writeFile(keyPath, pair.key)
    await expect(readCertificateFiles({ certPath, keyPath, now })).rejects.toMatchObject({
      code: 'CERTIFICATE_INVALID',
      message: expect.stringMatching(/mine\.pem: TLS refuses it \(.*key too small\)/),
    })
  })
})
